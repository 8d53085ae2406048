"""Better late than wrong."""

from __future__ import annotations

import sys
from pathlib import Path

sys.path.insert(0, str(Path(__file__).resolve().parents[4]))

from challenges.anomaly_detection.specimens._base import Baseline, Detector, run


class WaitsAMinute(Detector):
    """Twelve buckets in a row, to be sure."""

    def confirmed(self, baseline: Baseline) -> bool:
        return baseline.held >= 12


run(WaitsAMinute(), "waits-a-minute")
