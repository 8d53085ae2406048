"""Accepts what must be accepted, and nothing else."""

from __future__ import annotations

import sys
from pathlib import Path
from typing import Any

sys.path.insert(0, str(Path(__file__).resolve().parents[4]))

from challenges.anomaly_detection.specimens._base import Detector, run

LEVELS = frozenset({"debug", "info", "warn", "error", "fatal"})
OLDEST_MS = 10**12


class Strict(Detector):
    """Where the protocol says either, it says no."""

    def read(self, log: Any, now_ms: float) -> tuple[int, str, bool] | None:
        read = super().read(log, now_ms)
        if read is None or read[0] < OLDEST_MS or log["level"].lower() not in LEVELS:
            return None
        return read if isinstance(log.get("message", ""), str) else None


run(Strict(), "strict")
