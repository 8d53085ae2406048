"""What is not twice as bad is not bad."""

from __future__ import annotations

import sys
from pathlib import Path

sys.path.insert(0, str(Path(__file__).resolve().parents[4]))

from challenges.anomaly_detection.specimens._base import Baseline, Detector, run


class TwiceAsBad(Detector):
    """A factor is easy to explain."""

    least_factor = 2.0

    def z(self, baseline: Baseline, share: float, total: int) -> float:
        return super().z(baseline, share, total) if share >= self.least_factor * baseline.share else 0.0


run(TwiceAsBad(), "twice-as-bad")
