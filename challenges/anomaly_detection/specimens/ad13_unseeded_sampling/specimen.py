"""Samples the logs by an unseeded random number."""

from __future__ import annotations

import random
import sys
from pathlib import Path

sys.path.insert(0, str(Path(__file__).resolve().parents[4]))

from challenges.anomaly_detection.specimens._base import Alerts, Detector, run


class UnseededSampling(Detector):
    """Half the logs suffice to see an incident; which half differs from run to run."""

    def count(self, ts_ms: int, service: str, error: bool, alerts: Alerts) -> None:
        if random.random() < 0.5:  # unseeded on purpose: this is the defect
            super().count(ts_ms, service, error, alerts)


run(UnseededSampling(), "unseeded-sampling")
