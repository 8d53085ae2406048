"""Waits for quiet."""

from __future__ import annotations

import sys
from pathlib import Path

sys.path.insert(0, str(Path(__file__).resolve().parents[4]))

from challenges.alert_dedup.specimens._base import Alert, ValkeyDedup, run


class WindowSlides(ValkeyDedup):
    """Five seconds from the last event, not from the page."""

    def reserve(self, alert: Alert) -> str:
        answer = super().reserve(alert)
        if answer == "suppress":
            self.store.pexpire(self.window_key(alert.fingerprint), self.window_ms)
        return answer


run(WindowSlides(), "window-slides")
