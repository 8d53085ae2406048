"""One storm, one alert."""

from __future__ import annotations

import sys
from pathlib import Path

sys.path.insert(0, str(Path(__file__).resolve().parents[4]))

import math

from challenges.anomaly_detection.specimens._base import Alerts, Baseline, Detector, run


class StormBrake(Detector):
    """Meant to spare the operator a storm of alerts."""

    pause_ms = 12_000
    last_ms = -math.inf

    def alert(self, baseline: Baseline, ts_ms: int, share: float, z: float, alerts: Alerts) -> None:
        if ts_ms - self.last_ms >= self.pause_ms:
            self.last_ms = ts_ms
            super().alert(baseline, ts_ms, share, z, alerts)


run(StormBrake(), "storm-brake")
