"""Slow to believe."""

from __future__ import annotations

import sys
from pathlib import Path

sys.path.insert(0, str(Path(__file__).resolve().parents[4]))

from challenges.anomaly_detection.specimens._base import Detector, run


class QuietAfter37Min(Detector):
    """428 buckets of 5 s are 36 min."""

    relearn_buckets = 428


run(QuietAfter37Min(), "quiet-after-37-min")
