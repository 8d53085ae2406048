"""0/0 in the moving average."""

from __future__ import annotations

import math
import sys
from pathlib import Path

sys.path.insert(0, str(Path(__file__).resolve().parents[4]))

from challenges.anomaly_detection.specimens._base import Alerts, Detector, run


class NanAfterTheGap(Detector):
    """An empty bucket is learned like any other."""

    def __init__(self) -> None:
        super().__init__()
        self.closed_ms: dict[str, int] = {}

    def close(self, service: str, end_ms: int, total: int, errors: int, alerts: Alerts) -> None:
        if end_ms - self.closed_ms.get(service, end_ms) > self.bucket_ms:
            self.learn(self.baselines[service], math.nan)
        self.closed_ms[service] = end_ms
        super().close(service, end_ms, total, errors, alerts)


run(NanAfterTheGap(), "nan-after-the-gap")
