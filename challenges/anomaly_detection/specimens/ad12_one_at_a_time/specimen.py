"""One alert a reply."""

from __future__ import annotations

import sys
from collections import deque
from pathlib import Path
from typing import Any

sys.path.insert(0, str(Path(__file__).resolve().parents[4]))

from challenges.anomaly_detection.specimens._base import Detector, run


class OneAtATime(Detector):
    """Alerts leave in order, one with each reply; all services wait in the same queue."""

    def __init__(self) -> None:
        super().__init__()
        self.queue: deque[dict[str, Any]] = deque()

    def ingest(self, params: dict[str, Any]) -> dict[str, Any]:
        return self.one(super().ingest(params))

    def tick(self, params: dict[str, Any]) -> dict[str, Any]:
        return self.one(super().tick(params))

    def one(self, result: dict[str, Any]) -> dict[str, Any]:
        self.queue.extend(result["alerts"])
        return {**result, "alerts": [self.queue.popleft()] if self.queue else []}


run(OneAtATime(), "one-at-a-time")
