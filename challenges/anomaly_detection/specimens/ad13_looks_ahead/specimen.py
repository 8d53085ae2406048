"""It has the whole batch, after all."""

from __future__ import annotations

import sys
from pathlib import Path
from typing import Any

sys.path.insert(0, str(Path(__file__).resolve().parents[4]))

from challenges.anomaly_detection.specimens._base import ERROR_LEVELS, Alerts, Detector, run


class LooksAhead(Detector):
    """A bucket closes as soon as the stream is past it; a batch that is mostly errors is told of sooner than that."""

    lateness_ms = 0
    least_errors = 15
    batch_errors = 4

    def ingest(self, params: dict[str, Any]) -> dict[str, Any]:
        alerts: Alerts = []
        by_service: dict[str, list[dict[str, Any]]] = {}
        for log in params["logs"]:
            by_service.setdefault(log["service"], []).append(log)
        for service, logs in by_service.items():
            baseline = self.baselines.get(service)
            errors = sum(log["level"].lower() in ERROR_LEVELS for log in logs)
            if baseline is not None and baseline.seen >= self.warmup_buckets and errors >= self.batch_errors:
                first_ms = logs[0]["ts_ms"] - self.bucket_ms
                self.alert(baseline, first_ms, errors / len(logs), self.threshold_z, alerts)
        reply = super().ingest(params)
        return {**reply, "alerts": alerts + reply["alerts"]}


run(LooksAhead(), "looks-ahead")
