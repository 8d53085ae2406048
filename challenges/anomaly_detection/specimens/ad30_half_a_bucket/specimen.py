"""A snapshot without the open bucket, and somebody who notices."""

from __future__ import annotations

import sys
from pathlib import Path
from typing import Any

sys.path.insert(0, str(Path(__file__).resolve().parents[4]))

from challenges.anomaly_detection.specimens._base import Alerts, run
from challenges.anomaly_detection.specimens._kept import Kept


class HalfABucket(Kept):
    """A drop of the traffic is an anomaly as well."""

    least_part = 0.75

    def __init__(self) -> None:
        super().__init__()
        self.totals: dict[str, float] = {}

    def close(self, service: str, end_ms: int, total: int, errors: int, alerts: Alerts) -> None:
        super().close(service, end_ms, total, errors, alerts)
        usual = self.totals.setdefault(service, float(total))
        if self.baselines[service].seen > self.warmup_buckets and total < self.least_part * usual:
            text = f"{total} logs, usually {usual:.0f}"
            alerts.append({"ts_ms": end_ms, "service": service, "kind": "drop", "severity": "low", "message": text})
        else:
            self.totals[service] += (total - usual) * self.alpha

    def content(self) -> dict[str, Any]:
        return {**super().content(), "open": [], "totals": self.totals}

    def take_over(self, content: dict[str, Any]) -> None:
        super().take_over(content)
        self.totals = {service: total + 0.0 for service, total in content["totals"].items()}


run(HalfABucket(), "half-a-bucket")
