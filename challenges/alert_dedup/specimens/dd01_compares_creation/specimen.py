"""Tells a duplicate by its time of creation."""

from __future__ import annotations

import sys
from pathlib import Path

sys.path.insert(0, str(Path(__file__).resolve().parents[4]))

from challenges.alert_dedup.specimens._base import Alert, PostgresDedup, key, run

KNOWN = 'select 1 from "{p}alerts" where event = %s'
UPSERT = """
insert into "{p}windows" as w values (%s, "{p}now_ms"()) on conflict (fingerprint) do update
set opened_ms = case when w.opened_ms + %s <= "{p}now_ms"() then "{p}now_ms"() else w.opened_ms end
returning w.opened_ms / 1000 < "{p}now_ms"() / 1000
"""
INSERT = """insert into "{p}alerts" values (%s, %s, "{p}now_ms"(), "{p}now_ms"() + %s) on conflict do nothing"""


class ComparesCreation(PostgresDedup):
    """Created now means created by us."""

    def reserve(self, alert: Alert) -> str:
        event = key(alert.event_id)
        if self.ask(KNOWN, event):
            return "known"
        if self.ask(UPSERT, key(alert.fingerprint), self.window_ms)[0]:
            return "suppress"
        self.ask(INSERT, event, alert.pack(), self.lease_ms)
        return "emit"


run(ComparesCreation(), "compares-creation")
