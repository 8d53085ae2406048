"""NaN in a moving average."""

from __future__ import annotations

import sys
from pathlib import Path
from typing import Any

sys.path.insert(0, str(Path(__file__).resolve().parents[4]))

from challenges.anomaly_detection.specimens._base import Baseline, Detector, run


class NanPoisons(Detector):
    """How many logs a bucket should have follows from the interval."""

    def __init__(self) -> None:
        super().__init__()
        self.last_ms: dict[str, float] = {}
        self.pace_ms: dict[str, float] = {}

    def read(self, log: Any, now_ms: float) -> tuple[int, str, bool] | None:
        if isinstance(log, dict) and isinstance(log.get("service"), str) and isinstance(log.get("ts_ms"), int | float | str):
            try:
                self.smooth(log["service"], float(log["ts_ms"]))
            except ValueError:
                return None
        return super().read(log, now_ms)

    def smooth(self, service: str, ts_ms: float) -> None:
        interval_ms = min(max(ts_ms - self.last_ms.get(service, ts_ms), 0.0), 1_000.0)
        self.last_ms[service] = ts_ms
        pace_ms = self.pace_ms.get(service, 20.0)
        self.pace_ms[service] = pace_ms + 0.01 * (interval_ms - pace_ms)

    def z(self, baseline: Baseline, share: float, total: int) -> float:
        return super().z(baseline, share, self.bucket_ms / max(self.pace_ms[baseline.service], 0.1))  # type: ignore[arg-type]  # an estimate of the count is a fraction


run(NanPoisons(), "nan-poisons")
