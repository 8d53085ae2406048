"""A bucket is judged while it fills."""

from __future__ import annotations

import sys
from pathlib import Path

sys.path.insert(0, str(Path(__file__).resolve().parents[4]))

from challenges.anomaly_detection.specimens._base import Alerts, Detector, run


class JudgesPartial(Detector):
    """The sooner the better, with the yardstick of a whole bucket."""

    least_logs = 20

    def __init__(self) -> None:
        super().__init__()
        self.whole: dict[str, int] = {}

    def count(self, ts_ms: int, service: str, error: bool, alerts: Alerts) -> None:
        super().count(ts_ms, service, error, alerts)
        total, errors = self.open[ts_ms // self.bucket_ms][service]
        baseline = self.baselines.get(service)
        if not error or baseline is None or baseline.seen < self.warmup_buckets or total < self.least_logs:
            return
        share = errors / total
        if (z := self.z(baseline, share, self.whole[service])) >= self.threshold_z:
            self.alert(baseline, ts_ms, share, z, alerts)

    def close(self, service: str, end_ms: int, total: int, errors: int, alerts: Alerts) -> None:
        self.whole[service] = total
        super().close(service, end_ms, total, errors, alerts)


run(JudgesPartial(), "judges-partial")
