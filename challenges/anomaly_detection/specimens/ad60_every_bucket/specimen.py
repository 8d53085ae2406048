"""As often as it looks, so often it speaks."""

from __future__ import annotations

import sys
from pathlib import Path

sys.path.insert(0, str(Path(__file__).resolve().parents[4]))

from challenges.anomaly_detection.specimens._base import Detector, run


class EveryBucket(Detector):
    """No pause between two alerts."""

    repeat_ms = 0


run(EveryBucket(), "every-bucket")
