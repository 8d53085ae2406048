"""Reads as a shortcut, decides atomically."""

from __future__ import annotations

import sys
from pathlib import Path

sys.path.insert(0, str(Path(__file__).resolve().parents[4]))

from challenges.alert_dedup.specimens._base import Alert, ValkeyDedup, run


class FirstReading(ValkeyDedup):
    """An open window needs no script."""

    def reserve(self, alert: Alert) -> str:
        window, event = self.store.mget(self.window_key(alert.fingerprint), self.event_key(alert.event_id))
        if event is not None:
            return "known"
        return "suppress" if window is not None else super().reserve(alert)


run(FirstReading(), "first-reading")
