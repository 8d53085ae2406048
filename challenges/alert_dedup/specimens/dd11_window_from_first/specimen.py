"""Counts the suppressed."""

from __future__ import annotations

import sys
from pathlib import Path

sys.path.insert(0, str(Path(__file__).resolve().parents[4]))

from challenges.alert_dedup.specimens._base import Alert, ValkeyDedup, run


class WindowFromFirst(ValkeyDedup):
    """Five seconds from the page, whatever comes in between."""

    def reserve(self, alert: Alert) -> str:
        answer = super().reserve(alert)
        if answer == "suppress":
            counter = f"{self.prefix}suppressed:{alert.fingerprint}"
            self.store.pipeline().incr(counter).pexpire(counter, self.window_ms).execute()
        return answer


run(WindowFromFirst(), "window-from-first")
