"""Some patience with what creeps up."""

from __future__ import annotations

import sys
from collections import deque
from pathlib import Path

sys.path.insert(0, str(Path(__file__).resolve().parents[4]))

from challenges.anomaly_detection.specimens._base import Baseline, Detector, run


class RampBelow(Detector):
    """A ramp is anomalous after some 100 s of it, and told of 200 s later."""

    patience_ms = 200_000

    def __init__(self) -> None:
        super().__init__()
        self.scores: dict[str, deque[float]] = {}
        self.jumped: set[str] = set()

    def z(self, baseline: Baseline, share: float, total: int) -> float:
        scores = self.scores.setdefault(baseline.service, deque([0.0, 0.0, 0.0], maxlen=3))
        scores.append(super().z(baseline, share, total))
        if scores[2] >= 2 * self.threshold_z and scores[0] < self.threshold_z / 2:
            self.jumped.add(baseline.service)
        elif scores[2] < self.threshold_z:
            self.jumped.discard(baseline.service)
        return scores[2]

    def confirmed(self, baseline: Baseline) -> bool:
        waited = baseline.held * self.bucket_ms >= self.patience_ms
        return baseline.held >= 1 and (waited or baseline.service in self.jumped)


run(RampBelow(), "ramp-below")
