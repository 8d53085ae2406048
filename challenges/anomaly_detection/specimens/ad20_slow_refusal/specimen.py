"""Thinks long about what it refuses."""

from __future__ import annotations

import sys
import time
from pathlib import Path
from typing import Any

sys.path.insert(0, str(Path(__file__).resolve().parents[4]))

from challenges.anomaly_detection.specimens._base import Detector, run


class SlowRefusal(Detector):
    """Writes every refused log to its own log and takes its time over it."""

    def read(self, log: Any, now_ms: float) -> tuple[int, str, bool] | None:
        read = super().read(log, now_ms)
        if read is None:
            time.sleep(0.02)
            print(f"refused: {str(log)[:80]!r}", flush=True)
        return read


run(SlowRefusal(), "slow-refusal")
