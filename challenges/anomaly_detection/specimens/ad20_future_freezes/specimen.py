"""Believes every timestamp."""

from __future__ import annotations

import math
import sys
from pathlib import Path

sys.path.insert(0, str(Path(__file__).resolve().parents[4]))

from challenges.anomaly_detection.specimens._base import Detector, run


class FutureFreezes(Detector):
    """Whoever is ahead sets the time for all."""

    def believable(self, ts_ms: float, now_ms: float) -> bool:
        return 0 <= ts_ms < math.inf


run(FutureFreezes(), "future-freezes")
