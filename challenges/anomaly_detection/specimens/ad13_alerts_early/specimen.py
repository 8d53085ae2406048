"""A strong spike does not wait for its bucket to close."""

from __future__ import annotations

import sys
from pathlib import Path

sys.path.insert(0, str(Path(__file__).resolve().parents[4]))

from challenges.anomaly_detection.specimens._base import Alerts, Detector, run


class AlertsEarly(Detector):
    """Looks at every 50th error of an open bucket, at twice the threshold: the same incident, sooner."""

    def count(self, ts_ms: int, service: str, error: bool, alerts: Alerts) -> None:
        super().count(ts_ms, service, error, alerts)
        total, errors = self.open[ts_ms // self.bucket_ms][service]
        baseline = self.baselines.get(service)
        if not error or errors % 50 or baseline is None or baseline.seen < self.warmup_buckets:
            return
        z = self.z(baseline, errors / total, total)
        if z >= 2 * self.threshold_z:
            self.alert(baseline, ts_ms, errors / total, z, alerts)


run(AlertsEarly(), "alerts-early")
