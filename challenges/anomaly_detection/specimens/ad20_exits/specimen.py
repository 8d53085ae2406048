"""Let it crash."""

from __future__ import annotations

import os
import sys
from pathlib import Path
from typing import Any

sys.path.insert(0, str(Path(__file__).resolve().parents[4]))

from challenges.anomaly_detection.specimens._base import Detector, run


class Exits(Detector):
    """Nobody starts it again."""

    def read(self, log: Any, now_ms: float) -> tuple[int, str, bool] | None:
        if not isinstance(log, dict):
            os._exit(70)
        return super().read(log, now_ms)


run(Exits(), "exits")
