"""The more logs, the surer."""

from __future__ import annotations

import sys
from pathlib import Path

sys.path.insert(0, str(Path(__file__).resolve().parents[4]))

from challenges.anomaly_detection.specimens._base import Baseline, Detector, run


class BusyFalseAlarms(Detector):
    """Many logs make a share precise, so little is needed to be sure of a change; the z-score knew that already."""

    busy_logs = 2_000
    busy_z = 2.0

    def z(self, baseline: Baseline, share: float, total: int) -> float:
        z = super().z(baseline, share, total)
        return z * self.threshold_z / self.busy_z if total > self.busy_logs else z


run(BusyFalseAlarms(), "busy-false-alarms")
