"""Looks for what is like it."""

from __future__ import annotations

import sys
from pathlib import Path

sys.path.insert(0, str(Path(__file__).resolve().parents[4]))

from challenges.alert_dedup.specimens._base import SETUP, Alert, PostgresDedup, key, run

TEXTS = 'create table if not exists "{p}texts" (fingerprint text, opened_ms bigint);'
OPEN = 'select 1 from "{p}texts" where fingerprint like %s and opened_ms + %s > "{p}now_ms"()'


class Like(PostgresDedup):
    """A look first."""

    def setup(self) -> str:
        return SETUP + TEXTS

    def reserve(self, alert: Alert) -> str:
        known = self.ask('select 1 from "{p}alerts" where event = %s', key(alert.event_id))
        if not known and self.ask(OPEN, alert.fingerprint, self.window_ms):
            return "suppress"
        answer = super().reserve(alert)
        if answer == "emit":
            self.ask('insert into "{p}texts" values (%s, "{p}now_ms"())', alert.fingerprint)
        return answer


run(Like(), "like")
