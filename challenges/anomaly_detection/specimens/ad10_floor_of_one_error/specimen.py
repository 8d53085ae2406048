"""One error more or less is never unusual."""

from __future__ import annotations

import sys
from collections import deque
from pathlib import Path
from statistics import mean, pstdev

sys.path.insert(0, str(Path(__file__).resolve().parents[4]))

from challenges.anomaly_detection.specimens._base import Baseline, Detector, run


class FloorOfOneError(Detector):
    """The deviation of the last minutes, but at least one error."""

    least_errors = 1
    window_buckets = 36

    def __init__(self) -> None:
        super().__init__()
        self.windows: dict[str, deque[float]] = {}

    def z(self, baseline: Baseline, share: float, total: int) -> float:
        window = self.windows.setdefault(baseline.service, deque(maxlen=self.window_buckets))
        z = (share - mean(window)) / max(pstdev(window), 1 / total) if window else 0.0
        if z < self.threshold_z:
            window.append(share)
        return z


run(FloorOfOneError(), "floor-of-one-error")
