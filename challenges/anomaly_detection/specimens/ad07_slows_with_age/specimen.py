"""The older, the slower."""

from __future__ import annotations

import sys
from pathlib import Path

sys.path.insert(0, str(Path(__file__).resolve().parents[4]))

from challenges.anomaly_detection.specimens._base import Baseline, Detector, run


class SlowsWithAge(Detector):
    """Its patience grows with what it has seen, for ever."""

    least_patience = 24

    def learn(self, baseline: Baseline, share: float) -> None:
        self.relearn_buckets = max(self.least_patience, baseline.seen // 10)
        super().learn(baseline, share)


run(SlowsWithAge(), "slows-with-age")
