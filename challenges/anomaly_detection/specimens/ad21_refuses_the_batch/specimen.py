"""It will not have such a log."""

from __future__ import annotations

import sys
from pathlib import Path
from typing import Any

sys.path.insert(0, str(Path(__file__).resolve().parents[4]))

from candidates.sdk.python.harness_sdk import InvalidParams
from challenges.anomaly_detection.specimens._base import AHEAD_MS, Detector, run


class RefusesTheBatch(Detector):
    """One of them is wrong, so it may all be wrong."""

    def read(self, log: Any, now_ms: float) -> tuple[int, str, bool] | None:
        ts_ms = log.get("ts_ms") if isinstance(log, dict) else None
        if isinstance(ts_ms, int) and ts_ms > now_ms + AHEAD_MS:
            raise InvalidParams("a log from the future")
        return super().read(log, now_ms)


run(RefusesTheBatch(), "refuses-the-batch")
