"""A small pool with patience."""

from __future__ import annotations

import sys
from pathlib import Path

sys.path.insert(0, str(Path(__file__).resolve().parents[4]))

import threading

from challenges.alert_dedup.specimens._base import Alert, Params, ValkeyDedup, run


class WaitsItsTurn(ValkeyDedup):
    """Requests run side by side, until they need the store."""

    capabilities = ("pipelining",)

    def __init__(self) -> None:
        self.connection = threading.Semaphore()

    def decide(self, alert: Alert, params: Params) -> str:
        with self.connection:
            return super().decide(alert, params)


run(WaitsItsTurn(), "waits-its-turn", workers=32)
