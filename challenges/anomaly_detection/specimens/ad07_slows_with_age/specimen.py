"""The older, the slower."""

from __future__ import annotations

import math
import sys
from dataclasses import dataclass
from pathlib import Path

sys.path.insert(0, str(Path(__file__).resolve().parents[4]))

from challenges.anomaly_detection.specimens._base import Baseline, Detector, run


@dataclass(slots=True)
class History:
    """Mean and variance of all values; each weighs as much as any other, or `least_weight` if that is more."""

    least_weight: float = 0.0
    seen: int = 0
    mean: float = 0.0
    variance: float = 0.0

    def add(self, value: float) -> None:
        self.seen += 1
        weight = max(self.least_weight, 1 / self.seen)
        delta = value - self.mean
        self.mean += weight * delta
        self.variance = (1 - weight) * (self.variance + weight * delta * delta)


class SlowsWithAge(Detector):
    """Learns from every bucket, for ever."""

    least_weight = 0.0

    def __init__(self) -> None:
        super().__init__()
        self.histories: dict[str, History] = {}

    def z(self, baseline: Baseline, share: float, total: int) -> float:
        history = self.histories.setdefault(baseline.service, History(self.least_weight))
        chance = math.sqrt(max(history.mean, self.least_share) / total)
        z = (share - history.mean) / max(math.sqrt(history.variance), chance)
        history.add(share)
        return z


run(SlowsWithAge(), "slows-with-age")
