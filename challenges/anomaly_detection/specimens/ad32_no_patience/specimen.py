"""Judges newcomers by what is usual elsewhere."""

from __future__ import annotations

import sys
from pathlib import Path

sys.path.insert(0, str(Path(__file__).resolve().parents[4]))

from challenges.anomaly_detection.specimens._base import Alerts, Detector, run


class NoPatience(Detector):
    """A service that is new gets a borrowed baseline, and no time to earn its own."""

    usual_elsewhere = 0.01
    repeat_ms = 35_000

    def close(self, service: str, end_ms: int, total: int, errors: int, alerts: Alerts) -> None:
        super().close(service, end_ms, total, errors, alerts)
        baseline = self.baselines[service]
        if baseline.seen < self.warmup_buckets and errors >= self.least_errors and errors > 5 * self.usual_elsewhere * total:
            self.alert(baseline, end_ms, errors / total, self.threshold_z, alerts)


run(NoPatience(), "no-patience")
