"""A mark that only its maker removes."""

from __future__ import annotations

import sys
from pathlib import Path

sys.path.insert(0, str(Path(__file__).resolve().parents[4]))

from challenges.alert_dedup.specimens._base import Alert, Params, ValkeyDedup, run


class MarksForEver(ValkeyDedup):
    """The window is counted from the confirmation, so the mark has no end before that."""

    def decide(self, alert: Alert, params: Params) -> str:
        mark = self.window_key(alert.fingerprint)
        if not self.store.set(mark, alert.event_id, nx=True):
            return "emit" if self.store.get(mark) == alert.event_id else "suppress"
        self.page(alert)
        self.store.pexpire(mark, self.window_ms)
        return "emit"

    def tick(self, params: Params) -> None:
        return


run(MarksForEver(), "marks-for-ever")
