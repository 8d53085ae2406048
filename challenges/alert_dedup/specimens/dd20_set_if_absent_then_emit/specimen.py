"""The recipe of many a blog: whoever sets the key sends."""

from __future__ import annotations

import sys
from pathlib import Path

sys.path.insert(0, str(Path(__file__).resolve().parents[4]))

from challenges.alert_dedup.specimens._base import Alert, Params, ValkeyDedup, run


class SetIfAbsentThenEmit(ValkeyDedup):
    """The key goes by itself, whether or not anything was sent."""

    def decide(self, alert: Alert, params: Params) -> str:
        if not self.store.set(self.window_key(alert.fingerprint), alert.event_id, nx=True, px=self.window_ms):
            return "suppress"
        self.page(alert)
        return "emit"

    def tick(self, params: Params) -> None:
        return


run(SetIfAbsentThenEmit(), "set-if-absent-then-emit")
