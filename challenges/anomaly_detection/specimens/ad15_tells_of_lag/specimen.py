"""Somebody is behind."""

from __future__ import annotations

import sys
from pathlib import Path

sys.path.insert(0, str(Path(__file__).resolve().parents[4]))

from challenges.anomaly_detection.specimens._base import Alerts, Detector, run


class TellsOfLag(Detector):
    """A service is prompt in a bucket if one of its logs there was."""

    late_ms = 1_000
    pause_ms = 10_000

    def __init__(self) -> None:
        super().__init__()
        self.prompt_ms: dict[str, int] = {}
        self.told_of: dict[str, int] = {}

    def count(self, ts_ms: int, service: str, error: bool, alerts: Alerts) -> None:
        if self.newest_ms - ts_ms < self.late_ms:
            self.prompt_ms[service] = ts_ms
        super().count(ts_ms, service, error, alerts)

    def close(self, service: str, end_ms: int, total: int, errors: int, alerts: Alerts) -> None:
        behind = self.prompt_ms.get(service, 0) < end_ms - self.bucket_ms
        if behind and end_ms - self.told_of.get(service, 0) >= self.pause_ms:
            self.told_of[service] = end_ms
            text = "all its logs are late"
            alerts.append({"ts_ms": end_ms, "service": service, "kind": "lag", "severity": "low", "message": text})
        super().close(service, end_ms, total, errors, alerts)


run(TellsOfLag(), "tells-of-lag")
