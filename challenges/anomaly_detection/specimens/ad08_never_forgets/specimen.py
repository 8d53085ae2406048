"""Welford's running variance over everything ever seen."""

from __future__ import annotations

import math
import sys
from dataclasses import dataclass
from pathlib import Path

sys.path.insert(0, str(Path(__file__).resolve().parents[4]))

from challenges.anomaly_detection.specimens._base import Baseline, Detector, run


@dataclass(slots=True)
class Welford:
    """Count, mean and sum of squared deviations."""

    n: int = 0
    mean: float = 0.0
    m2: float = 0.0

    def add(self, value: float) -> None:
        self.n += 1
        delta = value - self.mean
        self.mean += delta / self.n
        self.m2 += delta * (value - self.mean)

    def deviation(self) -> float:
        return math.sqrt(self.m2 / self.n) if self.n else 0.0


class NeverForgets(Detector):
    """Judges against all of history, and learns from every bucket, the anomalous ones too."""

    def __init__(self) -> None:
        super().__init__()
        self.history: dict[str, Welford] = {}

    def z(self, baseline: Baseline, share: float, total: int) -> float:
        history = self.history.setdefault(baseline.service, Welford())
        chance = math.sqrt(max(history.mean, self.least_share) / total)
        z = (share - history.mean) / max(history.deviation(), chance)
        history.add(share)
        return z


run(NeverForgets(), "never-forgets")
