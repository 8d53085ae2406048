"""Rates over a time measured on the wall."""

from __future__ import annotations

import sys
import time
from pathlib import Path

sys.path.insert(0, str(Path(__file__).resolve().parents[4]))

from challenges.anomaly_detection.specimens._base import Alerts, run
from challenges.anomaly_detection.specimens._own_time import OwnTime


class WallFalseAlarms(OwnTime):
    """Beside the share it watches the logs per second of its own clock, and never asks whether that ran evenly."""

    surge = 20.0

    def __init__(self) -> None:
        super().__init__()
        self.looked_s = time.time()
        self.usual = 0.0

    def close(self, service: str, end_ms: int, total: int, errors: int, alerts: Alerts) -> None:
        super().close(service, end_ms, total, errors, alerts)
        now_s = time.time()
        rate = total / max(now_s - self.looked_s, 0.05)
        self.looked_s = now_s
        baseline = self.baselines[service]
        if baseline.seen > self.warmup_buckets and rate > self.surge * self.usual:
            self.alert(baseline, end_ms, errors / total, self.threshold_z, alerts)
        self.usual += 0.2 * (min(rate, 2 * self.usual if self.usual else rate) - self.usual)


run(WallFalseAlarms(), "wall-false-alarms")
