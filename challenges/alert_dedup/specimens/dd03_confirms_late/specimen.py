"""Ticks off what it sent, a moment later."""

from __future__ import annotations

import sys
from pathlib import Path

sys.path.insert(0, str(Path(__file__).resolve().parents[4]))

from challenges.alert_dedup.specimens._base import Alert, Params, ValkeyDedup, run


class ConfirmsLate(ValkeyDedup):
    """One request for all confirmations since the last tick."""

    def __init__(self) -> None:
        self.sent: list[str] = []

    def confirm(self, alert: Alert) -> None:
        self.sent.append(alert.pack())

    def tick(self, params: Params) -> None:
        self.confirm_all()
        super().tick(params)
        self.confirm_all()

    def confirm_all(self) -> None:
        if self.sent:
            self.store.zrem(self.unconfirmed, *self.sent)
            self.sent = []

    def reset(self, params: Params) -> None:
        self.sent = []


run(ConfirmsLate(), "confirms-late")
