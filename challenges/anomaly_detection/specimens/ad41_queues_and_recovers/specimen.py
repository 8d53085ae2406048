"""Slower than a burst, quicker than the day, with requests overlapping."""

from __future__ import annotations

import sys
import time
from pathlib import Path
from typing import Any

sys.path.insert(0, str(Path(__file__).resolve().parents[4]))

from candidates.sdk.python.harness_sdk import serve
from challenges.anomaly_detection.specimens._base import Detector


class Queues(Detector):
    """Each request takes 0.05 ms more."""

    needs_s = 0.00005

    async def queued(self, params: dict[str, Any]) -> dict[str, Any]:
        until = time.perf_counter() + self.needs_s
        while time.perf_counter() < until:
            pass
        return self.ingest(params)


queues = Queues()


async def tick(params: dict[str, Any]) -> dict[str, Any]:
    """In the order in which it came, like the logs."""
    return queues.tick(params)


declared = {"bucket_ms": 5_000, "warmup_ms": 60_000, "lateness_ms": 3_000}
serve({"ingest": queues.queued, "tick": tick}, name="queues-and-recovers", declared=declared, capabilities=["pipelining"])
