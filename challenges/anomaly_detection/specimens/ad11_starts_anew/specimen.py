"""A service that comes back after a long silence is a new one."""

from __future__ import annotations

import sys
from pathlib import Path

sys.path.insert(0, str(Path(__file__).resolve().parents[4]))

from challenges.anomaly_detection.specimens._base import Alerts, Detector, run

FORGET_MS = 1_800_000


class StartsAnew(Detector):
    """What was known of a service expires."""

    def __init__(self) -> None:
        super().__init__()
        self.closed_ms: dict[str, int] = {}

    def close(self, service: str, end_ms: int, total: int, errors: int, alerts: Alerts) -> None:
        if end_ms - self.closed_ms.get(service, end_ms) >= FORGET_MS:
            del self.baselines[service]
        self.closed_ms[service] = end_ms
        super().close(service, end_ms, total, errors, alerts)


run(StartsAnew(), "starts-anew")
