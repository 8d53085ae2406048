"""The spread of the bucket itself."""

from __future__ import annotations

import math
import sys
from pathlib import Path

sys.path.insert(0, str(Path(__file__).resolve().parents[4]))

from challenges.anomaly_detection.specimens._base import Baseline, Detector, run


class InfiniteCertainty(Detector):
    """Where all logs agree, it could not be surer."""

    def z(self, baseline: Baseline, share: float, total: int) -> float:
        if share <= baseline.share:
            return 0.0
        spread = math.sqrt(share * (1 - share) / total)
        return (share - baseline.share) / spread if spread else math.inf

    def score(self, z: float, ratio: float) -> float:
        return z


run(InfiniteCertainty(), "infinite-certainty")
