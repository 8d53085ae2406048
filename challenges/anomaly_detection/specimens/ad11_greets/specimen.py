"""Welcome back."""

from __future__ import annotations

import sys
from pathlib import Path

sys.path.insert(0, str(Path(__file__).resolve().parents[4]))

from challenges.anomaly_detection.specimens._base import Alerts, Detector, run


class Greets(Detector):
    """Whoever comes back must have been in trouble."""

    gone_ms = 60_000

    def __init__(self) -> None:
        super().__init__()
        self.last_ms: dict[str, int] = {}

    def close(self, service: str, end_ms: int, total: int, errors: int, alerts: Alerts) -> None:
        if end_ms - self.last_ms.get(service, end_ms) > self.gone_ms:
            text = "it logs again"
            alerts.append({"ts_ms": end_ms, "service": service, "kind": "recovery", "severity": "low", "message": text})
        self.last_ms[service] = end_ms
        super().close(service, end_ms, total, errors, alerts)


run(Greets(), "greets")
