"""Sends what it has not yet ticked off."""

from __future__ import annotations

import sys
from pathlib import Path

sys.path.insert(0, str(Path(__file__).resolve().parents[4]))

from challenges.alert_dedup.specimens._base import Alert, Params, ValkeyDedup, run


class SendsAgain(ValkeyDedup):
    """Counts its lease in seconds, where the store adds it to milliseconds."""

    def __init__(self) -> None:
        self.sent: list[Alert] = []

    def initialize(self, params: Params) -> None:
        super().initialize(params)
        self.lease_ms //= 1_000

    def confirm(self, alert: Alert) -> None:
        self.sent.append(alert)

    def tick(self, params: Params) -> None:
        super().tick(params)
        for alert in self.sent:
            super().confirm(alert)
        self.reset(params)

    def reset(self, params: Params) -> None:
        self.sent = []


run(SendsAgain(), "sends-again")
