"""The baseline runs after whatever happens, slowly."""

from __future__ import annotations

import sys
from pathlib import Path

sys.path.insert(0, str(Path(__file__).resolve().parents[4]))

from challenges.anomaly_detection.specimens._base import Baseline, Detector, run


class LagsBehind(Detector):
    """Learns from incidents as well, but takes minutes to believe them."""

    alpha = 0.02

    def learn(self, baseline: Baseline, share: float) -> None:
        baseline.seen += 1
        baseline.share += (share - baseline.share) * max(self.alpha, 1 / baseline.seen)


run(LagsBehind(), "lags-behind")
