"""Reads, then writes."""

from __future__ import annotations

import sys
from pathlib import Path

sys.path.insert(0, str(Path(__file__).resolve().parents[4]))

from challenges.alert_dedup.specimens._base import Alert, PostgresDedup, key, run

KNOWN = 'select 1 from "{p}alerts" where event = %s'
OPEN = 'select 1 from "{p}windows" where fingerprint = %s and opened_ms + %s > "{p}now_ms"()'
INSERT = """
with opened as (
    insert into "{p}windows" values (%s, "{p}now_ms"()) on conflict (fingerprint) do update set opened_ms = excluded.opened_ms)
insert into "{p}alerts" values (%s, %s, "{p}now_ms"(), "{p}now_ms"() + %s) on conflict do nothing
"""


class ReadThenInsert(PostgresDedup):
    """Right as long as nobody comes between the two requests."""

    def reserve(self, alert: Alert) -> str:
        fingerprint, event = key(alert.fingerprint), key(alert.event_id)
        if self.ask(KNOWN, event):
            return "known"
        if self.ask(OPEN, fingerprint, self.window_ms):
            return "suppress"
        self.ask(INSERT, fingerprint, event, alert.pack(), self.lease_ms)
        return "emit"


run(ReadThenInsert(), "read-then-insert")
