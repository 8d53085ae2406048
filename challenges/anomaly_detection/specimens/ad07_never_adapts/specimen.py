"""What was normal once stays normal."""

from __future__ import annotations

import sys
from pathlib import Path

sys.path.insert(0, str(Path(__file__).resolve().parents[4]))

from challenges.anomaly_detection.specimens._base import Detector, run


class NeverAdapts(Detector):
    """No shift lasts long enough to be believed."""

    relearn_buckets = 1_000_000


run(NeverAdapts(), "never-adapts")
