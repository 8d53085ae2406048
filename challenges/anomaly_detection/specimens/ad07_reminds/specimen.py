"""In case nobody was listening yet."""

from __future__ import annotations

import sys
from pathlib import Path

sys.path.insert(0, str(Path(__file__).resolve().parents[4]))

from challenges.anomaly_detection.specimens._base import Alerts, Detector, run


class Reminds(Detector):
    """Whoever starts it may still be looking for the right window."""

    until_ms = 3_600_000
    every_ms = 60_000

    def __init__(self) -> None:
        super().__init__()
        self.started_ms = 0
        self.reminded: dict[str, int] = {}

    def close(self, service: str, end_ms: int, total: int, errors: int, alerts: Alerts) -> None:
        self.started_ms = self.started_ms or end_ms
        super().close(service, end_ms, total, errors, alerts)
        told = self.baselines[service].alerted_ms > 0
        if told and end_ms - self.started_ms < self.until_ms and end_ms - self.reminded.get(service, 0) >= self.every_ms:
            self.reminded[service] = end_ms
            text = "there was an incident"
            alerts.append({"ts_ms": end_ms, "service": service, "kind": "reminder", "severity": "low", "message": text})


run(Reminds(), "reminds")
