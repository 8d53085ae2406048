"""Bounded, and far too wide."""

from __future__ import annotations

import sys
from array import array
from pathlib import Path

sys.path.insert(0, str(Path(__file__).resolve().parents[4]))

from challenges.anomaly_detection.specimens._base import Alerts, Detector, run

MOST = 100_000


class Heavy(Detector):
    """3 KiB for each of at most 100,000 services; the one that has been silent longest goes first."""

    def __init__(self) -> None:
        super().__init__()
        self.windows: dict[str, array[float]] = {}

    def close(self, service: str, end_ms: int, total: int, errors: int, alerts: Alerts) -> None:
        self.windows[service] = self.windows.pop(service) if service in self.windows else array("d", bytes(360 * 8))
        super().close(service, end_ms, total, errors, alerts)
        if len(self.windows) > MOST:
            oldest = next(iter(self.windows))
            del self.windows[oldest], self.baselines[oldest]


run(Heavy(), "heavy-names")
