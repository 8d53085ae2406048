"""Small services are easily overheard."""

from __future__ import annotations

import sys
from pathlib import Path

sys.path.insert(0, str(Path(__file__).resolve().parents[4]))

from challenges.anomaly_detection.specimens._base import Baseline, Detector, run


class QuietFalseAlarms(Detector):
    """What a small service has to say is weighed four times."""

    quiet_logs = 500
    weight = 4.0

    def z(self, baseline: Baseline, share: float, total: int) -> float:
        z = super().z(baseline, share, total)
        return z * self.weight if total < self.quiet_logs else z


run(QuietFalseAlarms(), "quiet-false-alarms")
