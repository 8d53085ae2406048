"""A threshold from the textbook, applied 3,600 times an hour."""

from __future__ import annotations

import sys
from pathlib import Path

sys.path.insert(0, str(Path(__file__).resolve().parents[4]))

from challenges.anomaly_detection.specimens._base import Detector, run


class TwoSigma(Detector):
    """Two sigma sounds strict and is crossed by chance in 1 bucket of 44, oftener where errors are rare."""

    bucket_ms = 1_000
    warmup_buckets = 60
    threshold_z = 2.0
    least_errors = 1


run(TwoSigma(), "two-sigma")
