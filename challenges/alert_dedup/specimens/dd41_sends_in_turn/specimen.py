"""One sender at a time."""

from __future__ import annotations

import sys
from pathlib import Path

sys.path.insert(0, str(Path(__file__).resolve().parents[4]))

from challenges.alert_dedup.specimens._base import RESERVE, Alert, Params, ValkeyDedup, run


class SendsInTurn(ValkeyDedup):
    """What is reserved is sent by whoever has the sender's lock, which ends with the lease; it decides without."""

    @property
    def sender(self) -> str:
        return f"{self.prefix}sender"

    def reserve(self, alert: Alert) -> str:
        keys = [self.window_key(alert.fingerprint), self.event_key(alert.event_id), self.unconfirmed]
        return str(self.script(RESERVE, keys, alert.pack(), self.window_ms, self.retention_ms, 0))

    def decide(self, alert: Alert, params: Params) -> str:
        answer = self.reserve(alert)
        if answer == "emit":
            self.tick(params)
        return "emit" if answer == "known" else answer

    def tick(self, params: Params) -> None:
        """Sends all that is to be sent, unless another one is at it."""
        if self.store.set(self.sender, self.node, nx=True, px=self.lease_ms):
            super().tick(params)
            self.store.delete(self.sender)


run(SendsInTurn(), "sends-in-turn")
