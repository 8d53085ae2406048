"""Clocks must be right."""

from __future__ import annotations

import sys
from pathlib import Path

sys.path.insert(0, str(Path(__file__).resolve().parents[4]))

from challenges.anomaly_detection.specimens._base import Alerts, Detector, run


class TellsOfDisorder(Detector):
    """True, and not what it was asked."""

    back_ms = 1_000
    pause_ms = 10_000

    def __init__(self) -> None:
        super().__init__()
        self.newest_of: dict[str, int] = {}
        self.told_of: dict[str, int] = {}

    def count(self, ts_ms: int, service: str, error: bool, alerts: Alerts) -> None:
        newest_ms = max(self.newest_of.get(service, 0), ts_ms)
        self.newest_of[service] = newest_ms
        if newest_ms - ts_ms >= self.back_ms and newest_ms - self.told_of.get(service, 0) >= self.pause_ms:
            self.told_of[service] = newest_ms
            text = "its logs are out of order"
            alerts.append({"ts_ms": newest_ms, "service": service, "kind": "order", "severity": "low", "message": text})
        super().count(ts_ms, service, error, alerts)


run(TellsOfDisorder(), "tells-of-disorder")
