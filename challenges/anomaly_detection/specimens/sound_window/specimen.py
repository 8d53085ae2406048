"""A rolling window of counts."""

from __future__ import annotations

import sys
from pathlib import Path

sys.path.insert(0, str(Path(__file__).resolve().parents[4]))

from collections import deque

from challenges.anomaly_detection.specimens._base import Alerts, Baseline, Detector, run

WINDOW_BUCKETS = 60


class RollingWindow(Detector):
    """Errors and logs of the last five minutes of usual buckets: their ratio is the usual share, and old counts fall out."""

    def __init__(self) -> None:
        super().__init__()
        self.windows: dict[str, deque[tuple[int, int]]] = {}

    def close(self, service: str, end_ms: int, total: int, errors: int, alerts: Alerts) -> None:
        self.counts = total, errors
        super().close(service, end_ms, total, errors, alerts)

    def learn(self, baseline: Baseline, share: float) -> None:
        if 0 < baseline.held < self.relearn_buckets:
            return
        window = self.windows.setdefault(baseline.service, deque(maxlen=WINDOW_BUCKETS))
        if baseline.held >= self.relearn_buckets:
            window.clear()
        window.append(self.counts)
        baseline.seen += 1
        baseline.share = sum(errors for _, errors in window) / sum(total for total, _ in window)


run(RollingWindow(), "rolling-window")
