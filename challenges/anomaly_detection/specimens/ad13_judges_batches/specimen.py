"""The batch is taken for a unit of time."""

from __future__ import annotations

import sys
from collections import Counter, deque
from pathlib import Path
from typing import Any

sys.path.insert(0, str(Path(__file__).resolve().parents[4]))

from challenges.anomaly_detection.specimens._base import Alerts, Detector, run


class JudgesBatches(Detector):
    """Twenty batches are five seconds, as long as the sender happens to cut them at 250 ms."""

    least_errors = 25

    def __init__(self) -> None:
        super().__init__()
        self.batches: deque[Counter[tuple[str, bool]]] = deque(maxlen=20)
        self.batch: Counter[tuple[str, bool]] = Counter()
        self.handed_over = 0

    def ingest(self, params: dict[str, Any]) -> dict[str, Any]:
        result = super().ingest(params)
        self.batches.append(self.batch)
        self.batch = Counter()
        self.handed_over += 1
        if self.handed_over % 20 == 0:
            self.judge(int(params["now_ms"]), result["alerts"])
        return result

    def count(self, ts_ms: int, service: str, error: bool, alerts: Alerts) -> None:
        self.batch[service, error] += 1

    def judge(self, now_ms: int, alerts: Alerts) -> None:
        window = sum(self.batches, Counter())
        for service in sorted({service for service, _ in window}):
            errors = window[service, True]
            self.close(service, now_ms, errors + window[service, False], errors, alerts)


run(JudgesBatches(), "judges-batches")
