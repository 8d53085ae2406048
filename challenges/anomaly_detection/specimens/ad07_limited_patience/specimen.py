"""The older, the slower, up to a limit."""

from __future__ import annotations

import sys
from pathlib import Path

sys.path.insert(0, str(Path(__file__).resolve().parents[4]))

from challenges.anomaly_detection.specimens._base import Baseline, Detector, run


class LimitedPatience(Detector):
    """Its patience grows with what it has seen, to 100 buckets."""

    least_patience = 24
    most_patience = 100

    def learn(self, baseline: Baseline, share: float) -> None:
        self.relearn_buckets = max(self.least_patience, min(self.most_patience, baseline.seen // 10))
        super().learn(baseline, share)


run(LimitedPatience(), "limited-patience")
