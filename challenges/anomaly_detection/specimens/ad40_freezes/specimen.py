"""Quick but for a long pause now and then."""

from __future__ import annotations

import sys
import time
from pathlib import Path
from typing import Any

sys.path.insert(0, str(Path(__file__).resolve().parents[4]))

from challenges.anomaly_detection.specimens._base import Detector, run


class Freezes(Detector):
    """The first request after every 30 s takes 1.4 s longer."""

    every_s = 30.0
    frozen_s = 1.4
    thaw_s = time.monotonic()

    def ingest(self, params: dict[str, Any]) -> dict[str, Any]:
        if time.monotonic() - self.thaw_s >= self.every_s:
            time.sleep(self.frozen_s)
            self.thaw_s = time.monotonic()
        return super().ingest(params)


run(Freezes(), "freezes")
