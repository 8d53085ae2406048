"""Slow to believe, but not too slow."""

from __future__ import annotations

import sys
from pathlib import Path

sys.path.insert(0, str(Path(__file__).resolve().parents[4]))

from challenges.anomaly_detection.specimens._base import Detector, run


class QuietAfter24Min(Detector):
    """266 buckets of 5 s are 22 min."""

    relearn_buckets = 266


run(QuietAfter24Min(), "quiet-after-24-min")
