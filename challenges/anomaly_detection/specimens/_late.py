"""The plain detector in buckets of one second, whose alerts leave, and are dated, a fixed time after they were due."""

from __future__ import annotations

from collections import deque
from typing import Any

from challenges.anomaly_detection.specimens._base import Alerts, Detector


class Late(Detector):
    """With one second a bucket the limit of 2 buckets + 5 s is 7 s; an alert is due 1 to 3 s after a step."""

    bucket_ms = 1_000
    lateness_ms = 1_000
    warmup_buckets = 60
    relearn_buckets = 600
    alpha = 0.01
    late_ms = 0

    def __init__(self) -> None:
        super().__init__()
        self.owed: deque[tuple[int, dict[str, Any]]] = deque()

    def advance(self, to_ms: int, alerts: Alerts) -> None:
        due: Alerts = []
        super().advance(to_ms, due)
        self.owed += [(to_ms + self.late_ms, alert) for alert in due]
        while self.owed and self.owed[0][0] <= to_ms:
            alerts.append({**self.owed.popleft()[1], "ts_ms": to_ms})
