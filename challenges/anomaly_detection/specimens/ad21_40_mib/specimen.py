"""A large place for what comes too soon."""

from __future__ import annotations

import sys
from pathlib import Path
from typing import Any

sys.path.insert(0, str(Path(__file__).resolve().parents[4]))

from challenges.anomaly_detection.specimens._base import AHEAD_MS, Detector, run


class Aside40Mib(Detector):
    """The log is refused all the same."""

    aside_mib = 40

    def read(self, log: Any, now_ms: float) -> tuple[int, str, bool] | None:
        if isinstance(log, dict) and isinstance(log.get("ts_ms"), int) and log["ts_ms"] > now_ms + AHEAD_MS:
            self.aside = b"x" * (self.aside_mib << 20)
        return super().read(log, now_ms)


run(Aside40Mib(), "aside-40-mib")
