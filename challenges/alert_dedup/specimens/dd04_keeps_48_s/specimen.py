"""Keys of events that expire early."""

from __future__ import annotations

import sys
from pathlib import Path

sys.path.insert(0, str(Path(__file__).resolve().parents[4]))

import secrets

from challenges.alert_dedup.specimens._base import RESERVE, Alert, ValkeyDedup, run


class Keeps48S(ValkeyDedup):
    """Ids are random: an event that was forgotten has another one."""

    kept_ms = 48_000

    def new_id(self, fingerprint: str, event_id: str) -> str:
        return secrets.token_hex(12)

    def reserve(self, alert: Alert) -> str:
        keys = [self.window_key(alert.fingerprint), self.event_key(alert.event_id), self.unconfirmed]
        return str(self.script(RESERVE, keys, alert.pack(), self.window_ms, self.kept_ms, self.lease_ms))


run(Keeps48S(), "keeps-48-s")
