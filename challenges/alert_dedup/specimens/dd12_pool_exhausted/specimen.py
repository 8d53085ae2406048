"""A pool too small for its patience."""

from __future__ import annotations

import sys
from pathlib import Path

sys.path.insert(0, str(Path(__file__).resolve().parents[4]))

import threading

from challenges.alert_dedup.specimens._base import Alert, Params, ValkeyDedup, run

PATIENCE_S = 0.002


class PoolExhausted(ValkeyDedup):
    """Requests run side by side, until they need the store."""

    capabilities = ("pipelining",)

    def __init__(self) -> None:
        self.connection = threading.Semaphore()

    def decide(self, alert: Alert, params: Params) -> str:
        if not self.connection.acquire(timeout=PATIENCE_S):
            raise TimeoutError(f"no connection became free within {PATIENCE_S} s")
        try:
            return super().decide(alert, params)
        finally:
            self.connection.release()


run(PoolExhausted(), "pool-exhausted", workers=32)
