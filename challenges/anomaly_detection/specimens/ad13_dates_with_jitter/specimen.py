"""Dates are blurred, by a generator that nobody seeds."""

from __future__ import annotations

import random
import sys
import time
from pathlib import Path

sys.path.insert(0, str(Path(__file__).resolve().parents[4]))

from challenges.anomaly_detection.specimens._base import Alerts, Baseline, run
from challenges.anomaly_detection.specimens._own_time import OwnTime


class DatesWithJitter(OwnTime):
    """The time of day, less a little, so that the alerts of many detectors do not fall on one moment."""

    most_ms = 500.0

    def alert(self, baseline: Baseline, ts_ms: int, share: float, z: float, alerts: Alerts) -> None:
        told = len(alerts)
        super().alert(baseline, ts_ms, share, z, alerts)
        for alert in alerts[told:]:
            jitter_ms = random.random() * self.most_ms  # unseeded on purpose: this is the defect
            alert["ts_ms"] = time.time() * 1000 - jitter_ms


run(DatesWithJitter(), "dates-with-jitter")
