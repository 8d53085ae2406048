"""The baseline is updated, then the new value is compared with it."""

from __future__ import annotations

import math
import sys
from pathlib import Path

sys.path.insert(0, str(Path(__file__).resolve().parents[4]))

from challenges.anomaly_detection.specimens._base import Baseline, Detector, run


class LearnsFirst(Detector):
    """z after learning: (1 - alpha) x over at least sqrt(alpha (1 - alpha)) x, whatever x is."""

    def __init__(self) -> None:
        super().__init__()
        self.moving: dict[str, tuple[float, float]] = {}

    def z(self, baseline: Baseline, share: float, total: int) -> float:
        mean, variance = self.moving.get(baseline.service, (share, 0.0))
        delta = share - mean
        mean += self.alpha * delta
        variance = (1 - self.alpha) * (variance + self.alpha * delta * delta)
        self.moving[baseline.service] = mean, variance
        return (share - mean) / max(math.sqrt(variance), 1e-9)


run(LearnsFirst(), "learns-first")
