"""Takes a step back in time for a new stream."""

from __future__ import annotations

import sys
from pathlib import Path

sys.path.insert(0, str(Path(__file__).resolve().parents[4]))

from challenges.anomaly_detection.specimens._base import Alerts, Detector, run


class StartsOver(Detector):
    """Time only ever runs forwards, so a log from the past must be from another stream."""

    last_ms = 0

    def count(self, ts_ms: int, service: str, error: bool, alerts: Alerts) -> None:
        if ts_ms < self.last_ms:
            self.open.clear()
        self.last_ms = ts_ms
        super().count(ts_ms, service, error, alerts)


run(StartsOver(), "starts-over")
