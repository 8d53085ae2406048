"""No logs are taken for no errors."""

from __future__ import annotations

import sys
from pathlib import Path

sys.path.insert(0, str(Path(__file__).resolve().parents[4]))

from challenges.anomaly_detection.specimens._base import Alerts, Detector, run


class LearnsFromNothing(Detector):
    """Every service is closed in every bucket, with or without logs."""

    def advance(self, to_ms: int, alerts: Alerts) -> None:
        before = self.first_open
        super().advance(to_ms, alerts)
        if before == 0 or self.first_open == before:
            return
        for baseline in self.baselines.values():
            if not any(baseline.service in counts for counts in self.open.values()):
                self.learn(baseline, 0.0)


run(LearnsFromNothing(), "learns-from-nothing")
