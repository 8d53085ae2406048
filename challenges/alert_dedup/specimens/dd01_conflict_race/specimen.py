"""A race in the conflict clause."""

from __future__ import annotations

import sys
from pathlib import Path

sys.path.insert(0, str(Path(__file__).resolve().parents[4]))

from challenges.alert_dedup.specimens._base import Alert, PostgresDedup, key, run

KNOWN = 'select 1 from "{p}alerts" where event = %s'
OPEN = 'select 1 from "{p}windows" where fingerprint = %s and opened_ms + %s > "{p}now_ms"() for update'
INSERT = """
with opened as (
    insert into "{p}windows" values (%s, "{p}now_ms"()) on conflict (fingerprint) do update set opened_ms = excluded.opened_ms)
insert into "{p}alerts" values (%s, %s, "{p}now_ms"(), "{p}now_ms"() + %s) on conflict do nothing
"""


class ConflictRace(PostgresDedup):
    """All in one transaction, and with a lock on the row, if there is one. Who stops for long inside it loses it."""

    def connect(self, url: str) -> None:
        super().connect(url)
        self.connection.execute("set idle_in_transaction_session_timeout = 1000")

    def reserve(self, alert: Alert) -> str:
        fingerprint, event = key(alert.fingerprint), key(alert.event_id)
        with self.connection.transaction():
            if self.ask(KNOWN, event):
                return "known"
            if self.ask(OPEN, fingerprint, self.window_ms):
                return "suppress"
            self.ask(INSERT, fingerprint, event, alert.pack(), self.lease_ms)
            return "emit"


run(ConflictRace(), "conflict-race")
