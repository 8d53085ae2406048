"""Takes a log far ahead for a stream that has moved on."""

from __future__ import annotations

import sys
from pathlib import Path
from typing import Any

sys.path.insert(0, str(Path(__file__).resolve().parents[4]))

from challenges.anomaly_detection.specimens._base import AHEAD_MS, Detector, run


class StartsOver(Detector):
    """After a gap old baselines are worth nothing; one log is enough to see a gap."""

    def read(self, log: Any, now_ms: float) -> tuple[int, str, bool] | None:
        ts_ms = log.get("ts_ms") if isinstance(log, dict) else None
        if isinstance(ts_ms, int) and ts_ms > now_ms + AHEAD_MS:
            self.baselines.clear()
            self.open.clear()
        return super().read(log, now_ms)


run(StartsOver(), "starts-over")
