"""Bounded, at the cost of the one that matters."""

from __future__ import annotations

import sys
from pathlib import Path

sys.path.insert(0, str(Path(__file__).resolve().parents[4]))

from challenges.anomaly_detection.specimens._base import Alerts, Detector, run

MOST = 1_000


class ForgetsTheLive(Detector):
    """The first 1,000 services that come are followed; once the table is full, later buckets of all are passed over."""

    full = False

    def close(self, service: str, end_ms: int, total: int, errors: int, alerts: Alerts) -> None:
        if self.full:
            return
        super().close(service, end_ms, total, errors, alerts)
        if len(self.baselines) > MOST:
            self.baselines.clear()
            self.full = True


run(ForgetsTheLive(), "forgets-the-live")
