"""The window of an alert that nobody sent."""

from __future__ import annotations

import sys
from pathlib import Path

sys.path.insert(0, str(Path(__file__).resolve().parents[4]))

from challenges.alert_dedup.specimens._base import Alert, Params, ValkeyDedup, run


class WindowOfTheDead(ValkeyDedup):
    """A restarted owner is told that somebody has seen to it: he himself, before he died."""

    def decide(self, alert: Alert, params: Params) -> str:
        window = self.window_key(alert.fingerprint)
        if not self.store.set(window, alert.event_id, nx=True, px=self.window_ms):
            return "emit" if self.store.get(window) == alert.event_id else "suppress"
        self.page(alert)
        return "emit"

    def tick(self, params: Params) -> None:
        return


run(WindowOfTheDead(), "window-of-the-dead")
