"""Where nothing ever varied, everything is unusual."""

from __future__ import annotations

import sys
from collections import deque
from pathlib import Path
from statistics import mean, pstdev

sys.path.insert(0, str(Path(__file__).resolve().parents[4]))

from challenges.anomaly_detection.specimens._base import Baseline, Detector, run


class NoFloor(Detector):
    """The deviation of the last minutes, however small."""

    least_errors = 1
    window_buckets = 36
    least_deviation = 1e-6

    def __init__(self) -> None:
        super().__init__()
        self.windows: dict[str, deque[float]] = {}

    def z(self, baseline: Baseline, share: float, total: int) -> float:
        window = self.windows.setdefault(baseline.service, deque(maxlen=self.window_buckets))
        z = (share - mean(window)) / max(pstdev(window), self.floor(total)) if window else 0.0
        if z < self.threshold_z:
            window.append(share)
        return z

    def floor(self, total: int) -> float:
        return self.least_deviation


run(NoFloor(), "no-floor")
