"""Room for fifty."""

from __future__ import annotations

import sys
from pathlib import Path

sys.path.insert(0, str(Path(__file__).resolve().parents[4]))

from challenges.anomaly_detection.specimens._base import Alerts, Detector, run


class RoomForFifty(Detector):
    """A bound on memory, well meant."""

    most_services = 50

    def close(self, service: str, end_ms: int, total: int, errors: int, alerts: Alerts) -> None:
        if service not in self.baselines and len(self.baselines) >= self.most_services:
            del self.baselines[next(iter(self.baselines))]
        super().close(service, end_ms, total, errors, alerts)


run(RoomForFifty(), "room-for-fifty")
