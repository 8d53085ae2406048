"""Emits, then marks."""

from __future__ import annotations

import sys
from pathlib import Path

sys.path.insert(0, str(Path(__file__).resolve().parents[4]))

from challenges.alert_dedup.specimens._base import Alert, Params, ValkeyDedup, run


class EmitsThenMarks(ValkeyDedup):
    """Nothing is marked that was not sent, so that nothing can be lost."""

    def decide(self, alert: Alert, params: Params) -> str:
        window, event = self.window_key(alert.fingerprint), self.event_key(alert.event_id)
        opened, known = self.store.mget(window, event)
        if opened is not None or known is not None:
            return "suppress" if known is None else "emit"
        self.page(alert)
        pipeline = self.store.pipeline(transaction=True)
        pipeline.set(window, alert.event_id, px=self.window_ms).set(event, 1, px=self.retention_ms).execute()
        return "emit"

    def tick(self, params: Params) -> None:
        return


run(EmitsThenMarks(), "emits-then-marks")
