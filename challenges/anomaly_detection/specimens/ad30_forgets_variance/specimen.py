"""A snapshot without the variance."""

from __future__ import annotations

import math
import sys
from pathlib import Path

sys.path.insert(0, str(Path(__file__).resolve().parents[4]))

from challenges.anomaly_detection.specimens._base import Baseline, run
from challenges.anomaly_detection.specimens._kept import Kept


class ForgetsVariance(Kept):
    """Its spread is a moving variance, which nobody thought of writing down."""

    least_spread = 0.002

    def __init__(self) -> None:
        super().__init__()
        self.variances: dict[str, float] = {}

    def z(self, baseline: Baseline, share: float, total: int) -> float:
        spread = math.sqrt(self.variances.get(baseline.service, 0.0))
        return (share - baseline.share) / max(spread, self.least_spread)

    def learn(self, baseline: Baseline, share: float) -> None:
        if not baseline.held:
            variance = self.variances.get(baseline.service, 0.0)
            delta = share - baseline.share
            self.variances[baseline.service] = variance + (delta * delta - variance) * max(self.alpha, 1 / (baseline.seen + 1))
        super().learn(baseline, share)


run(ForgetsVariance(), "forgets-variance")
