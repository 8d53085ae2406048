"""The bucket is learned before it is judged."""

from __future__ import annotations

import sys
from collections import deque
from pathlib import Path
from statistics import mean, pstdev

sys.path.insert(0, str(Path(__file__).resolve().parents[4]))

from challenges.anomaly_detection.specimens._base import Baseline, Detector, run


class WindowHoldsNow(Detector):
    """z-score within a window that contains the value itself: (n - 1) / sqrt(n) is the most it can be."""

    window_buckets = 12

    def __init__(self) -> None:
        super().__init__()
        self.windows: dict[str, deque[float]] = {}

    def z(self, baseline: Baseline, share: float, total: int) -> float:
        window = self.windows.setdefault(baseline.service, deque(maxlen=self.window_buckets))
        window.append(share)
        return (share - mean(window)) / max(pstdev(window), 1e-9)


run(WindowHoldsNow(), "window-holds-now")
