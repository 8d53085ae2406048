"""A transaction of two statements."""

from __future__ import annotations

import sys
from pathlib import Path

sys.path.insert(0, str(Path(__file__).resolve().parents[4]))

from challenges.alert_dedup.specimens._base import Alert, PostgresDedup, key, run

OPEN = """
insert into "{p}windows" as w select %s, "{p}now_ms"() where not exists (select from "{p}alerts" where event = %s)
on conflict (fingerprint) do update set opened_ms = "{p}now_ms"() where w.opened_ms + %s <= "{p}now_ms"() returning 1
"""
INSERT = """insert into "{p}alerts" values (%s, %s, "{p}now_ms"(), "{p}now_ms"() + %s)"""
KNOWN = 'select 1 from "{p}alerts" where event = %s'


class TwoStatements(PostgresDedup):
    """Who stops for long inside the transaction loses it, so that the window's row is not locked for ever."""

    def connect(self, url: str) -> None:
        super().connect(url)
        self.connection.execute("set idle_in_transaction_session_timeout = 1000")

    def reserve(self, alert: Alert) -> str:
        fingerprint, event = key(alert.fingerprint), key(alert.event_id)
        with self.connection.transaction():
            if self.ask(OPEN, fingerprint, event, self.window_ms):
                self.ask(INSERT, event, alert.pack(), self.lease_ms)
                return "emit"
        return "known" if self.ask(KNOWN, event) else "suppress"


run(TwoStatements(), "two-statements")
