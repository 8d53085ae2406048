"""Room for 600 buckets."""

from __future__ import annotations

import sys
from pathlib import Path

sys.path.insert(0, str(Path(__file__).resolve().parents[4]))

from challenges.anomaly_detection.specimens._base import Alerts, Detector, run


class FullHistory(Detector):
    """Whoever wrote this restarted it every half hour."""

    most_buckets = 600

    def close(self, service: str, end_ms: int, total: int, errors: int, alerts: Alerts) -> None:
        known = self.baselines.get(service)
        if known is None or known.seen < self.most_buckets:
            super().close(service, end_ms, total, errors, alerts)


run(FullHistory(), "full-history")
