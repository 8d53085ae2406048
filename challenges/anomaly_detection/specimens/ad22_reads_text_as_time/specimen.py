"""Too obliging about the type of a time."""

from __future__ import annotations

import sys
from pathlib import Path
from typing import Any

sys.path.insert(0, str(Path(__file__).resolve().parents[4]))

from challenges.anomaly_detection.specimens._base import Detector, run


class ReadsTextAsTime(Detector):
    """Digits are digits, whatever they are wrapped in."""

    def read(self, log: Any, now_ms: float) -> tuple[int, str, bool] | None:
        if isinstance(log, dict) and isinstance(log.get("ts_ms"), str) and log["ts_ms"].isdigit():
            log = {**log, "ts_ms": int(log["ts_ms"])}
        return super().read(log, now_ms)


run(ReadsTextAsTime(), "reads-text-as-time")
