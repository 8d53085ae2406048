"""What is hardly worse is not bad."""

from __future__ import annotations

import sys
from pathlib import Path

sys.path.insert(0, str(Path(__file__).resolve().parents[4]))

from challenges.anomaly_detection.specimens._base import Baseline, Detector, run


class AQuarterMore(Detector):
    """A factor as well, and a small one."""

    least_factor = 1.25

    def z(self, baseline: Baseline, share: float, total: int) -> float:
        return super().z(baseline, share, total) if share >= self.least_factor * baseline.share else 0.0


run(AQuarterMore(), "a-quarter-more")
