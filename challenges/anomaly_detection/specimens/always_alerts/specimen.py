"""Alerts on everything."""

from __future__ import annotations

import sys
from pathlib import Path

sys.path.insert(0, str(Path(__file__).resolve().parents[4]))

from challenges.anomaly_detection.specimens._base import Baseline, Detector, run


class AlwaysAlerts(Detector):
    """Every bucket is an incident."""

    def confirmed(self, baseline: Baseline) -> bool:
        return True


run(AlwaysAlerts(), "always-alerts")
