"""A cap a little too high."""

from __future__ import annotations

import sys
from pathlib import Path

sys.path.insert(0, str(Path(__file__).resolve().parents[4]))

from challenges.anomaly_detection.specimens._base import Detector, run


class RatioAbove(Detector):
    """Its sibling ad09_capped_ratio caps at the limit itself."""

    most_ratio = 12_500.0

    def ratio(self, share: float, usual: float) -> float:
        return min(share / max(usual, 1e-12), self.most_ratio)


run(RatioAbove(), "ratio-above")
