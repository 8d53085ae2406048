"""The variance remembers an incident, but not for long."""

from __future__ import annotations

import math
import sys
from dataclasses import dataclass
from pathlib import Path

sys.path.insert(0, str(Path(__file__).resolve().parents[4]))

from challenges.anomaly_detection.specimens._base import Baseline, Detector, run


@dataclass(slots=True)
class Fading:
    """Mean and variance with exponential forgetting, over every bucket."""

    mean: float = 0.0
    variance: float = 0.0
    seen: int = 0

    def add(self, value: float) -> None:
        self.seen += 1
        weight = max(0.02, 1 / self.seen)
        delta = value - self.mean
        self.mean += weight * delta
        self.variance = (1 - weight) * (self.variance + weight * delta * delta)


class ForgetsSlowly(Detector):
    """Twenty minutes after a spike some of it is still in the variance, too little to hide the next."""

    def __init__(self) -> None:
        super().__init__()
        self.history: dict[str, Fading] = {}

    def z(self, baseline: Baseline, share: float, total: int) -> float:
        history = self.history.setdefault(baseline.service, Fading())
        chance = math.sqrt(max(history.mean, self.least_share) / total)
        z = (share - history.mean) / max(math.sqrt(history.variance), chance)
        history.add(share)
        return z


run(ForgetsSlowly(), "forgets-slowly")
