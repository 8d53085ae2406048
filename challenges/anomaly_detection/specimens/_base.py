"""The plain good detector from which every specimen in Python differs by one small, visible change.

Logs are counted per service in buckets of 5 s of stream time; a bucket closes once the stream is
`lateness_ms` beyond it. Its share of errors is compared with a learned baseline (EWMA, frozen while it is
anomalous) by a binomial z-score.
"""

from __future__ import annotations

import math
from collections import defaultdict
from dataclasses import dataclass
from typing import Any

from candidates.sdk.python.harness_sdk import serve

ERROR_LEVELS = frozenset({"error", "fatal"})
AHEAD_MS = 60_000  # a log further ahead of now_ms than this is not believed
MOST_RATIO = 1_000.0

Alerts = list[dict[str, Any]]


@dataclass(slots=True)
class Baseline:
    """One service: its usual share of errors, how many buckets taught it, anomalous ones in a row."""

    service: str
    share: float = 0.0
    seen: int = 0
    held: int = 0
    alerted_ms: float = -math.inf


class Detector:
    """Handlers for `ingest` and `tick`."""

    bucket_ms = 5_000
    lateness_ms = 3_000
    warmup_buckets = 12
    threshold_z = 6.0
    least_errors = 10
    alpha = 0.05
    least_share = 0.001  # a baseline below this is taken as this: no division by zero, no astronomical z
    relearn_buckets = 120  # a shift that lasts this long is the new normal
    repeat_ms = 10_000

    def __init__(self) -> None:
        self.open: defaultdict[int, dict[str, list[int]]] = defaultdict(dict)
        self.baselines: dict[str, Baseline] = {}
        self.newest_ms = -1
        self.first_open = 0

    # -- the protocol ----------------------------------------------------------------------------------------

    def ingest(self, params: dict[str, Any]) -> dict[str, Any]:
        alerts: Alerts = []
        logs, now_ms = params["logs"], params["now_ms"]
        accepted = sum(self.take(log, now_ms, alerts) for log in logs)
        return {"accepted": accepted, "rejected": len(logs) - accepted, "alerts": alerts}

    def tick(self, params: dict[str, Any]) -> dict[str, Any]:
        alerts: Alerts = []
        self.advance(int(params["now_ms"]), alerts)
        return {"alerts": alerts}

    # -- one log ---------------------------------------------------------------------------------------------

    def take(self, log: Any, now_ms: float, alerts: Alerts) -> bool:
        """Counts a log; False if it is rejected."""
        read = self.read(log, now_ms)
        if read is None:
            return False
        ts_ms, service, error = read
        if ts_ms // self.bucket_ms < self.first_open:
            return False
        self.count(ts_ms, service, error, alerts)
        if ts_ms > self.newest_ms:
            self.newest_ms = ts_ms
            self.advance(ts_ms, alerts)
        return True

    def read(self, log: Any, now_ms: float) -> tuple[int, str, bool] | None:
        """Time, service and whether it is an error; None for what cannot be used."""
        if not isinstance(log, dict):
            return None
        ts_ms, service, level = log.get("ts_ms"), log.get("service"), log.get("level")
        if not isinstance(service, str) or not service or not isinstance(level, str):
            return None
        if isinstance(ts_ms, bool) or not isinstance(ts_ms, int | float) or not self.believable(ts_ms, now_ms):
            return None
        return int(ts_ms), service, level.lower() in ERROR_LEVELS

    def believable(self, ts_ms: float, now_ms: float) -> bool:
        return 0 <= ts_ms <= now_ms + AHEAD_MS  # NaN and infinities fail this too

    def count(self, ts_ms: int, service: str, error: bool, alerts: Alerts) -> None:
        counts = self.open[ts_ms // self.bucket_ms].setdefault(service, [0, 0])
        counts[0] += 1
        counts[1] += error

    # -- one bucket ------------------------------------------------------------------------------------------

    def advance(self, to_ms: int, alerts: Alerts) -> None:
        """Closes every bucket that no log within the lateness can reach any more."""
        due = (to_ms - self.lateness_ms) // self.bucket_ms
        if due <= self.first_open:
            return
        self.first_open = due
        for bucket in sorted(bucket for bucket in self.open if bucket < due):
            counts = self.open.pop(bucket)
            for service in sorted(counts):
                total, errors = counts[service]
                self.close(service, (bucket + 1) * self.bucket_ms, total, errors, alerts)

    def close(self, service: str, end_ms: int, total: int, errors: int, alerts: Alerts) -> None:
        baseline = self.baselines.setdefault(service, Baseline(service))
        share = errors / total
        z = self.z(baseline, share, total)
        anomalous = baseline.seen >= self.warmup_buckets and errors >= self.least_errors and z >= self.threshold_z
        baseline.held = baseline.held + 1 if anomalous else 0
        if self.confirmed(baseline):
            self.alert(baseline, end_ms, share, z, alerts)
        self.learn(baseline, share)

    def z(self, baseline: Baseline, share: float, total: int) -> float:
        usual = min(max(baseline.share, self.least_share), 1 - self.least_share)
        return (share - usual) / math.sqrt(usual * (1 - usual) / total)

    def confirmed(self, baseline: Baseline) -> bool:
        return baseline.held >= 1

    def learn(self, baseline: Baseline, share: float) -> None:
        """Moves the baseline, unless the bucket belongs to an incident."""
        if 0 < baseline.held < self.relearn_buckets:
            return
        baseline.seen += 1
        baseline.share += (share - baseline.share) * max(self.alpha, 1 / baseline.seen)

    # -- alerts ----------------------------------------------------------------------------------------------

    def alert(self, baseline: Baseline, ts_ms: int, share: float, z: float, alerts: Alerts) -> None:
        if ts_ms - baseline.alerted_ms < self.repeat_ms:
            return
        baseline.alerted_ms = ts_ms
        ratio = self.ratio(share, baseline.share)
        alerts.append(
            {
                "ts_ms": ts_ms,
                "service": baseline.service,
                "kind": "error_rate",
                "severity": "critical" if share >= 0.5 else "high" if z >= 2 * self.threshold_z else "medium",
                "score": self.score(z, ratio),
                "message": f"{share:.2%} errors, usually {baseline.share:.2%} ({ratio:.1f}x)",
            }
        )

    def ratio(self, share: float, usual: float) -> float:
        return min(share / max(usual, self.least_share), MOST_RATIO)

    def score(self, z: float, ratio: float) -> float:
        return round(min(z, 1_000.0), 3)


def run(detector: Detector, name: str) -> None:
    """Serves the detector under that name."""
    declared = {
        "bucket_ms": detector.bucket_ms,
        "warmup_ms": detector.bucket_ms * detector.warmup_buckets,
        "lateness_ms": detector.lateness_ms,
    }
    serve(detector, name=name, declared=declared)
