"""Median and median absolute deviation."""

from __future__ import annotations

import sys
from pathlib import Path

sys.path.insert(0, str(Path(__file__).resolve().parents[4]))

import math
from collections import deque
from statistics import median

from challenges.anomaly_detection.specimens._base import Baseline, Detector, run

WINDOW_BUCKETS = 60
TO_SIGMA = 1.4826  # of the median absolute deviation, for a normal distribution


class RobustMedian(Detector):
    """A few wild buckets move neither the median nor the spread; the spread is never below what counting alone gives."""

    def __init__(self) -> None:
        super().__init__()
        self.shares: dict[str, deque[float]] = {}

    def z(self, baseline: Baseline, share: float, total: int) -> float:
        usual = min(max(baseline.share, self.least_share), 1 - self.least_share)
        kept = self.shares.get(baseline.service, ())
        spread = TO_SIGMA * median(abs(one - baseline.share) for one in kept) if kept else 0.0
        return (share - usual) / max(spread, math.sqrt(usual * (1 - usual) / total))

    def learn(self, baseline: Baseline, share: float) -> None:
        if 0 < baseline.held < self.relearn_buckets:
            return
        kept = self.shares.setdefault(baseline.service, deque(maxlen=WINDOW_BUCKETS))
        if baseline.held >= self.relearn_buckets:
            kept.clear()
        kept.append(share)
        baseline.seen += 1
        baseline.share = median(kept)


run(RobustMedian(), "robust-median")
