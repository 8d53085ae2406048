"""One word about a sick newcomer, more only about a dead one."""

from __future__ import annotations

import sys
from pathlib import Path

sys.path.insert(0, str(Path(__file__).resolve().parents[4]))

from challenges.anomaly_detection.specimens._base import Alerts, Detector, run


class SaysItOnce(Detector):
    """Its borrowed baseline is good for one alert a service, and for any number where most logs are errors."""

    usual_elsewhere = 0.01
    dead_share = 0.5
    repeat_ms = 32_000

    def __init__(self) -> None:
        super().__init__()
        self.told: set[str] = set()

    def close(self, service: str, end_ms: int, total: int, errors: int, alerts: Alerts) -> None:
        super().close(service, end_ms, total, errors, alerts)
        baseline, share = self.baselines[service], errors / total
        if baseline.seen >= self.warmup_buckets or errors < self.least_errors or share < 5 * self.usual_elsewhere:
            return
        if service not in self.told or share > self.dead_share:
            self.told.add(service)
            self.alert(baseline, end_ms, share, self.threshold_z, alerts)


run(SaysItOnce(), "says-it-once")
