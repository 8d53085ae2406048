"""One statement decides."""

from __future__ import annotations

import sys
from pathlib import Path

sys.path.insert(0, str(Path(__file__).resolve().parents[4]))

from challenges.alert_dedup.specimens._base import Alert, PostgresDedup, key, run

KNOWN = 'select 1 from "{p}alerts" where event = %s'
RESERVE = """
with opened as (
    insert into "{p}windows" as w select %s, "{p}now_ms"() where not exists (select from "{p}alerts" where event = %s)
    on conflict (fingerprint) do update set opened_ms = "{p}now_ms"() where w.opened_ms + %s <= "{p}now_ms"()
    returning 1)
insert into "{p}alerts" select %s, %s, "{p}now_ms"(), "{p}now_ms"() + %s from opened returning 1
"""


class InsertOnConflict(PostgresDedup):
    """Who is not let through looks whether it was for its own event's sake."""

    def reserve(self, alert: Alert) -> str:
        event = key(alert.event_id)
        values = (key(alert.fingerprint), event, self.window_ms, event, alert.pack(), self.lease_ms)
        if self.ask(RESERVE, *values):
            return "emit"
        return "known" if self.ask(KNOWN, event) else "suppress"


run(InsertOnConflict(), "insert-on-conflict")
