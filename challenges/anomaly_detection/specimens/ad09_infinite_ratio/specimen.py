"""A ratio to a baseline that may be zero."""

from __future__ import annotations

import math
import sys
from pathlib import Path

sys.path.insert(0, str(Path(__file__).resolve().parents[4]))

from challenges.anomaly_detection.specimens._base import Detector, run


class InfiniteRatio(Detector):
    """Anything is infinitely more than nothing."""

    def ratio(self, share: float, usual: float) -> float:
        return share / usual if usual else math.inf

    def score(self, z: float, ratio: float) -> float:
        return ratio


run(InfiniteRatio(), "infinite-ratio")
