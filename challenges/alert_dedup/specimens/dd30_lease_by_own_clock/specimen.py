"""Looks at its own watch whether a lease is over."""

from __future__ import annotations

import sys
from pathlib import Path

sys.path.insert(0, str(Path(__file__).resolve().parents[4]))

from collections.abc import Iterable

from candidates.sdk.python.harness_sdk import now_ms
from challenges.alert_dedup.specimens._base import NOW, RESERVE, TAKE_OVER, Alert, ValkeyDedup, run

OWN = "local now = tonumber(ARGV[#ARGV]) "


class LeaseByOwnClock(ValkeyDedup):
    """The same requests, with the lease by another clock."""

    def reserve(self, alert: Alert) -> str:
        keys = [self.window_key(alert.fingerprint), self.event_key(alert.event_id), self.unconfirmed]
        values = (alert.pack(), self.window_ms, self.retention_ms, self.lease_ms, now_ms())
        return str(self.script(RESERVE.replace(NOW, OWN), keys, *values))

    def take_over(self) -> Iterable[Alert]:
        due = self.script(TAKE_OVER.replace(NOW, OWN), [self.unconfirmed], self.lease_ms, now_ms())
        return [Alert.unpack(text) for text in due]


run(LeaseByOwnClock(), "lease-by-own-clock")
