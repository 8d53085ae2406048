"""A constant delay below the budget, with requests overlapping."""

from __future__ import annotations

import asyncio
import sys
from pathlib import Path
from typing import Any

sys.path.insert(0, str(Path(__file__).resolve().parents[4]))

from candidates.sdk.python.harness_sdk import serve
from challenges.anomaly_detection.specimens._base import Detector

DELAY_S = 0.003  # the SDK and asyncio add 2 ms at p99, the machine some more at p99.9


class Delays:
    """The plain detector, each answer held back. Logs are taken in the order in which they came."""

    def __init__(self) -> None:
        self.detector = Detector()

    async def ingest(self, params: dict[str, Any]) -> dict[str, Any]:
        result = self.detector.ingest(params)
        await asyncio.sleep(DELAY_S)
        return result

    async def tick(self, params: dict[str, Any]) -> dict[str, Any]:
        return self.detector.tick(params)


declared = {"bucket_ms": 5_000, "warmup_ms": 60_000, "lateness_ms": 3_000}
serve(Delays(), name="delay-below", declared=declared, capabilities=["pipelining"])
