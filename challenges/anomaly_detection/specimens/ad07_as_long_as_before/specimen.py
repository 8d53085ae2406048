"""Half of all that was ever seen."""

from __future__ import annotations

import sys
from pathlib import Path

sys.path.insert(0, str(Path(__file__).resolve().parents[4]))

from challenges.anomaly_detection.specimens._base import Baseline, Detector, run


class AsLongAsBefore(Detector):
    """The majority of the buckets decides what is normal."""

    least_patience = 24

    def learn(self, baseline: Baseline, share: float) -> None:
        self.relearn_buckets = max(self.least_patience, baseline.seen)
        super().learn(baseline, share)


run(AsLongAsBefore(), "as-long-as-before")
