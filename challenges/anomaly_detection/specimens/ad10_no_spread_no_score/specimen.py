"""Nothing varies, so nothing is unusual."""

from __future__ import annotations

import sys
from collections import deque
from pathlib import Path
from statistics import mean, pstdev

sys.path.insert(0, str(Path(__file__).resolve().parents[4]))

from challenges.anomaly_detection.specimens._base import Baseline, Detector, run


class NoSpreadNoScore(Detector):
    """Division by zero is guarded, at the price of seeing nothing."""

    window_buckets = 12

    def __init__(self) -> None:
        super().__init__()
        self.windows: dict[str, deque[float]] = {}

    def z(self, baseline: Baseline, share: float, total: int) -> float:
        window = self.windows.setdefault(baseline.service, deque(maxlen=self.window_buckets))
        spread = round(pstdev(window), 2) if window else 0.0
        z = (share - mean(window)) / spread if spread else 0.0
        window.append(share)
        return z


run(NoSpreadNoScore(), "no-spread-no-score")
