"""Infinity reaches the formatting of the message."""

from __future__ import annotations

import math
import os
import sys
from pathlib import Path

sys.path.insert(0, str(Path(__file__).resolve().parents[4]))

from challenges.anomaly_detection.specimens._base import Alerts, Baseline, Detector, run


class FormatsInfinity(Detector):
    """Nobody catches what goes wrong in the writing."""

    def ratio(self, share: float, usual: float) -> float:
        rate_of_change = share / usual if usual else math.inf
        return round(rate_of_change * 100) / 100  # there is no whole number next to infinity

    def alert(self, baseline: Baseline, ts_ms: int, share: float, z: float, alerts: Alerts) -> None:
        try:
            super().alert(baseline, ts_ms, share, z, alerts)
        except OverflowError:
            os.abort()


run(FormatsInfinity(), "formats-infinity")
