"""Slower than a burst, quicker than the day."""

from __future__ import annotations

import sys
import time
from pathlib import Path
from typing import Any

sys.path.insert(0, str(Path(__file__).resolve().parents[4]))

from challenges.anomaly_detection.specimens._base import Detector, run


class Queues(Detector):
    """Each request takes 0.1 ms more."""

    needs_s = 0.0001

    def ingest(self, params: dict[str, Any]) -> dict[str, Any]:
        until = time.perf_counter() + self.needs_s
        while time.perf_counter() < until:
            pass
        return super().ingest(params)


run(Queues(), "queues-and-recovers")
