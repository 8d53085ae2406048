"""Still learning."""

from __future__ import annotations

import sys
from pathlib import Path

sys.path.insert(0, str(Path(__file__).resolve().parents[4]))

from challenges.anomaly_detection.specimens._base import Baseline, Detector, run


class LearnsTooLong(Detector):
    """Whatever it sees in the first 180 buckets is how things are."""

    learning_buckets = 180

    def z(self, baseline: Baseline, share: float, total: int) -> float:
        return super().z(baseline, share, total) if baseline.seen >= self.learning_buckets else 0.0


run(LearnsTooLong(), "learns-too-long")
