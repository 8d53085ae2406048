"""Counts by the newest time seen, not by the log's own."""

from __future__ import annotations

import sys
from pathlib import Path

sys.path.insert(0, str(Path(__file__).resolve().parents[4]))

from challenges.anomaly_detection.specimens._base import Alerts, Detector, run


class CountsOnArrival(Detector):
    """A log that is late belongs to now: simple, and wrong by less than a bucket."""

    def count(self, ts_ms: int, service: str, error: bool, alerts: Alerts) -> None:
        super().count(max(ts_ms, self.newest_ms), service, error, alerts)


run(CountsOnArrival(), "counts-on-arrival")
