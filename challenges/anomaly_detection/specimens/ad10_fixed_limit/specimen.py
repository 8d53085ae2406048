"""Nine in ten is too much for anybody."""

from __future__ import annotations

import sys
from pathlib import Path

sys.path.insert(0, str(Path(__file__).resolve().parents[4]))

from challenges.anomaly_detection.specimens._base import Baseline, Detector, run


class FixedLimit(Detector):
    """No baseline can make 90 % errors right."""

    limit = 0.9

    def z(self, baseline: Baseline, share: float, total: int) -> float:
        z = super().z(baseline, share, total)
        return max(z, 2 * self.threshold_z) if share >= self.limit else z


run(FixedLimit(), "fixed-limit")
