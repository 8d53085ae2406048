"""Sends later."""

from __future__ import annotations

import sys
from pathlib import Path

sys.path.insert(0, str(Path(__file__).resolve().parents[4]))

from candidates.sdk.python.harness_sdk import now_ms
from challenges.alert_dedup.specimens._base import Alert, Params, ValkeyDedup, run


class SendsAfter1250Ms(ValkeyDedup):
    """Pages are collected for a while."""

    later_ms = 1_250

    def __init__(self) -> None:
        self.owed: list[tuple[int, Alert]] = []

    def decide(self, alert: Alert, params: Params) -> str:
        answer = self.reserve(alert)
        if answer == "emit":
            self.owed.append((now_ms() + self.later_ms, alert))
        return "emit" if answer == "known" else answer

    def tick(self, params: Params) -> None:
        while self.owed and self.owed[0][0] <= now_ms():
            _, alert = self.owed.pop(0)
            self.page(alert)
            self.confirm(alert)
        super().tick(params)

    def reset(self, params: Params) -> None:
        self.owed = []


run(SendsAfter1250Ms(), "sends-after-1250-ms")
