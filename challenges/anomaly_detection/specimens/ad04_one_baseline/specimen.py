"""One baseline for everything that logs."""

from __future__ import annotations

import sys
from collections import deque
from pathlib import Path
from statistics import mean

sys.path.insert(0, str(Path(__file__).resolve().parents[4]))

from challenges.anomaly_detection.specimens._base import Alerts, Baseline, Detector, run


class OneBaseline(Detector):
    """What is usual is the mean share of the last buckets, whichever service they belong to."""

    def __init__(self) -> None:
        super().__init__()
        self.shares: deque[float] = deque(maxlen=120)

    def close(self, service: str, end_ms: int, total: int, errors: int, alerts: Alerts) -> None:
        self.shares.append(errors / total)
        super().close(service, end_ms, total, errors, alerts)

    def z(self, baseline: Baseline, share: float, total: int) -> float:
        baseline.share = mean(self.shares)
        return super().z(baseline, share, total)


run(OneBaseline(), "one-baseline")
