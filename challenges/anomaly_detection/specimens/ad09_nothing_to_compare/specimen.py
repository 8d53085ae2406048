"""No baseline, no comparison."""

from __future__ import annotations

import sys
from collections import deque
from pathlib import Path
from statistics import median

sys.path.insert(0, str(Path(__file__).resolve().parents[4]))

from challenges.anomaly_detection.specimens._base import Baseline, Detector, run


class NothingToCompare(Detector):
    """The division by zero is well guarded."""

    window_buckets = 12

    def __init__(self) -> None:
        super().__init__()
        self.windows: dict[str, deque[float]] = {}

    def z(self, baseline: Baseline, share: float, total: int) -> float:
        window = self.windows.setdefault(baseline.service, deque(maxlen=self.window_buckets))
        usual = median(window) if window else 0.0
        window.append(share)
        return super().z(baseline, share, total) if usual else 0.0


run(NothingToCompare(), "nothing-to-compare")
