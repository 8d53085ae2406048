"""Better twice than never."""

from __future__ import annotations

import sys
from pathlib import Path

sys.path.insert(0, str(Path(__file__).resolve().parents[4]))

from challenges.alert_dedup.specimens._base import NOW, Alert, Params, ValkeyDedup, run

DUE = f"{NOW} return redis.call('ZRANGEBYSCORE', KEYS[1], '-inf', now)"


class AllTakeOver(ValkeyDedup):
    """Without a fault nothing is ever overdue."""

    def __init__(self) -> None:
        self.sent: list[Alert] = []

    def take_over(self) -> list[Alert]:
        return [Alert.unpack(text) for text in self.script(DUE, [self.unconfirmed])]

    def tick(self, params: Params) -> None:
        for alert in self.sent:
            self.confirm(alert)
        self.sent = list(self.take_over())
        for alert in self.sent:
            self.page(alert)

    def reset(self, params: Params) -> None:
        self.sent = []


run(AllTakeOver(), "all-take-over")
