"""Three times the usual, whatever the number."""

from __future__ import annotations

import sys
from pathlib import Path

sys.path.insert(0, str(Path(__file__).resolve().parents[4]))

from challenges.anomaly_detection.specimens._base import Baseline, Detector, run


class ThreeTimes(Detector):
    """A ratio is easily explained, and says nothing of how many errors it was made from."""

    least_errors = 2
    times = 3.0

    def z(self, baseline: Baseline, share: float, total: int) -> float:
        return self.threshold_z if share >= self.times * max(baseline.share, self.least_share) else 0.0


run(ThreeTimes(), "three-times")
