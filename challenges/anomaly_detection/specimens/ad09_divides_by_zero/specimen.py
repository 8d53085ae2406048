"""A division by the usual share."""

from __future__ import annotations

import sys
from pathlib import Path

sys.path.insert(0, str(Path(__file__).resolve().parents[4]))

from challenges.anomaly_detection.specimens._base import Detector, run


class DividesByZero(Detector):
    """Something is always wrong somewhere, so nobody thought of zero."""

    def ratio(self, share: float, usual: float) -> float:
        return share / usual


run(DividesByZero(), "divides-by-zero")
