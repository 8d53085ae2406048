"""Gone is gone."""

from __future__ import annotations

import sys
from pathlib import Path

sys.path.insert(0, str(Path(__file__).resolve().parents[4]))

from challenges.anomaly_detection.specimens._base import Alerts, Detector, run


class Retires(Detector):
    """The list of services is kept tidy."""

    gone_ms = 1_800_000

    def __init__(self) -> None:
        super().__init__()
        self.last_ms: dict[str, int] = {}
        self.retired: set[str] = set()

    def close(self, service: str, end_ms: int, total: int, errors: int, alerts: Alerts) -> None:
        if end_ms - self.last_ms.get(service, end_ms) > self.gone_ms:
            self.retired.add(service)
        self.last_ms[service] = end_ms
        if service not in self.retired:
            super().close(service, end_ms, total, errors, alerts)


run(Retires(), "retires")
