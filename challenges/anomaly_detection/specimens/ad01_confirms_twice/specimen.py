"""An incident needs two anomalous buckets in a row."""

from __future__ import annotations

import sys
from pathlib import Path

sys.path.insert(0, str(Path(__file__).resolve().parents[4]))

from challenges.anomaly_detection.specimens._base import Baseline, Detector, run


class ConfirmsTwice(Detector):
    """Slow, but inside 2 x bucket + 5 s: at most a third of a bucket, two whole ones, and the lateness."""

    lateness_ms = 2_000

    def confirmed(self, baseline: Baseline) -> bool:
        return baseline.held >= 2


run(ConfirmsTwice(), "confirms-twice")
