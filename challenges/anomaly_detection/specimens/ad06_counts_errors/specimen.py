"""Errors are counted, logs are not."""

from __future__ import annotations

import math
import sys
from pathlib import Path

sys.path.insert(0, str(Path(__file__).resolve().parents[4]))

from challenges.anomaly_detection.specimens._base import Alerts, Baseline, Detector, run


class CountsErrors(Detector):
    """A Poisson z-score of the number of errors in a bucket."""

    def __init__(self) -> None:
        super().__init__()
        self.counts: dict[str, tuple[int, float]] = {}
        self.errors = 0

    def close(self, service: str, end_ms: int, total: int, errors: int, alerts: Alerts) -> None:
        self.errors = errors
        super().close(service, end_ms, total, errors, alerts)

    def z(self, baseline: Baseline, share: float, total: int) -> float:
        seen, usual = self.counts.get(baseline.service, (0, 0.0))
        z = (self.errors - usual) / math.sqrt(max(usual, 1.0))
        if z < self.threshold_z:
            self.counts[baseline.service] = seen + 1, usual + (self.errors - usual) * max(self.alpha, 1 / (seen + 1))
        return z


run(CountsErrors(), "counts-errors")
