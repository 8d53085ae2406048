"""Patience with those who come late."""

from __future__ import annotations

import sys
from pathlib import Path

sys.path.insert(0, str(Path(__file__).resolve().parents[4]))

from challenges.anomaly_detection.specimens._base import Alerts, Baseline, Detector, run


class WaitsForStragglers(Detector):
    """It waits 1.5 s more than it says anyway, and confirms every alert with a second bucket."""

    patience_ms = 1_500
    more_patience_ms = 7_000

    def count(self, ts_ms: int, service: str, error: bool, alerts: Alerts) -> None:
        if ts_ms < self.newest_ms:
            self.patience_ms = self.more_patience_ms
        super().count(ts_ms, service, error, alerts)

    def advance(self, to_ms: int, alerts: Alerts) -> None:
        super().advance(to_ms - self.patience_ms, alerts)

    def confirmed(self, baseline: Baseline) -> bool:
        return baseline.held >= 2

    def alert(self, baseline: Baseline, ts_ms: int, share: float, z: float, alerts: Alerts) -> None:
        super().alert(baseline, self.newest_ms, share, z, alerts)


run(WaitsForStragglers(), "waits-for-stragglers")
