"""A worker that waits for ever."""

from __future__ import annotations

import sys
from pathlib import Path
from threading import Event
from typing import Any

sys.path.insert(0, str(Path(__file__).resolve().parents[4]))

from candidates.sdk.python.harness_sdk import serve
from challenges.anomaly_detection.specimens._base import Detector


class LosesARequest(Detector):
    """Eight workers, and two of them gone."""

    most_characters = 100_000

    def read(self, log: Any, now_ms: float) -> tuple[int, str, bool] | None:
        if isinstance(log, dict) and len(str(log.get("message"))) > self.most_characters:
            Event().wait()
        return super().read(log, now_ms)


detector = LosesARequest()
declared = {"bucket_ms": 5_000, "warmup_ms": 60_000, "lateness_ms": 3_000}
serve(detector, name="loses-a-request", declared=declared, capabilities=("pipelining",))
