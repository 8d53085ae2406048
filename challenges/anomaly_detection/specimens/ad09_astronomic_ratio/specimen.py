"""No division by zero, by a hair."""

from __future__ import annotations

import sys
from pathlib import Path

sys.path.insert(0, str(Path(__file__).resolve().parents[4]))

from challenges.anomaly_detection.specimens._base import Detector, run


class AstronomicRatio(Detector):
    """Finite, and of no use to anybody."""

    def ratio(self, share: float, usual: float) -> float:
        return share / max(usual, 1e-12)


run(AstronomicRatio(), "astronomic-ratio")
