"""Every day the clock begins at nought."""

from __future__ import annotations

import sys
from pathlib import Path
from typing import Any

sys.path.insert(0, str(Path(__file__).resolve().parents[4]))

from challenges.anomaly_detection.specimens._base import Alerts, Detector, run

DAY_MS = 86_400_000


class TimeOfDay(Detector):
    """Knows the time of its newest log, and not the day."""

    newest_of_day_ms = -1

    def take(self, log: Any, now_ms: float, alerts: Alerts) -> bool:
        read = self.read(log, now_ms)
        if read is None or read[0] % DAY_MS < self.newest_of_day_ms - self.lateness_ms:
            return False
        self.newest_of_day_ms = max(self.newest_of_day_ms, read[0] % DAY_MS)
        return super().take(log, now_ms, alerts)


run(TimeOfDay(), "time-of-day")
