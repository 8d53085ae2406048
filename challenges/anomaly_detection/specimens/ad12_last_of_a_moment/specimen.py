"""One log per millisecond."""

from __future__ import annotations

import sys
from pathlib import Path

sys.path.insert(0, str(Path(__file__).resolve().parents[4]))

from challenges.anomaly_detection.specimens._base import Alerts, Detector, run


class LastOfAMoment(Detector):
    """A time makes a fine key, as long as one service logs alone."""

    def __init__(self) -> None:
        super().__init__()
        self.kept: tuple[int, str, bool] | None = None

    def count(self, ts_ms: int, service: str, error: bool, alerts: Alerts) -> None:
        if self.kept is not None and self.kept[0] != ts_ms:
            super().count(*self.kept, alerts)
        self.kept = ts_ms, service, error


run(LastOfAMoment(), "last-of-a-moment")
