"""A little slower every hour."""

from __future__ import annotations

import sys
from pathlib import Path

sys.path.insert(0, str(Path(__file__).resolve().parents[4]))

from challenges.anomaly_detection.specimens._base import Baseline, Detector, run


class GrowsByAFifth(Detector):
    """Of 12 min after an hour it makes 14 after four."""

    first_hour_buckets = 720
    three_hours_buckets = 2_160
    more_buckets = 31

    def learn(self, baseline: Baseline, share: float) -> None:
        older = max(0, baseline.seen - self.first_hour_buckets) / self.three_hours_buckets
        self.relearn_buckets = 120 + round(older * self.more_buckets)
        super().learn(baseline, share)


run(GrowsByAFifth(), "grows-by-a-fifth")
