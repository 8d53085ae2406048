"""Keeps an unbroken row of buckets."""

from __future__ import annotations

import sys
from array import array
from pathlib import Path
from typing import Any

sys.path.insert(0, str(Path(__file__).resolve().parents[4]))

from challenges.anomaly_detection.specimens._base import Detector, run


class YearOfBuckets(Detector):
    """The log is refused where it counts, but the row of buckets has grown to hold it."""

    def __init__(self) -> None:
        super().__init__()
        self.row = array("q")
        self.row_from = 0

    def read(self, log: Any, now_ms: float) -> tuple[int, str, bool] | None:
        ts_ms = log.get("ts_ms") if isinstance(log, dict) else None
        if isinstance(ts_ms, int) and ts_ms > 0:
            bucket = ts_ms // self.bucket_ms
            self.row_from = self.row_from or int(now_ms) // self.bucket_ms
            missing = bucket - self.row_from - len(self.row) + 1
            if 0 < missing < 10**8:
                self.row.frombytes(bytes(missing * self.row.itemsize))
        return super().read(log, now_ms)


run(YearOfBuckets(), "year-of-buckets")
