"""A latch that never clears."""

from __future__ import annotations

import sys
from pathlib import Path

sys.path.insert(0, str(Path(__file__).resolve().parents[4]))

from challenges.anomaly_detection.specimens._base import Alerts, Detector, run


class LatchStays(Detector):
    """Once per incident, and no incident ever ends."""

    def __init__(self) -> None:
        super().__init__()
        self.latched: set[str] = set()

    def close(self, service: str, end_ms: int, total: int, errors: int, alerts: Alerts) -> None:
        told: Alerts = []
        super().close(service, end_ms, total, errors, told)
        if service not in self.latched:
            alerts += told
        if told:
            self.latched.add(service)
        if self.baselines[service].share == 0:
            self.latched.discard(service)


run(LatchStays(), "latch-stays")
