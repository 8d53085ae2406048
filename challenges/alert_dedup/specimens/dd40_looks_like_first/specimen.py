"""Counts relatives, and decides without them."""

from __future__ import annotations

import sys
from pathlib import Path

sys.path.insert(0, str(Path(__file__).resolve().parents[4]))

from challenges.alert_dedup.specimens._base import SETUP, Alert, PostgresDedup, run

TEXTS = 'create table if not exists "{p}texts" (fingerprint text, opened_ms bigint);'


class LooksLikeFirst(PostgresDedup):
    """Relatives are for the log."""

    def setup(self) -> str:
        return SETUP + TEXTS

    def reserve(self, alert: Alert) -> str:
        start = alert.fingerprint[:32].casefold() + "%"
        relatives = len(self.ask('select 1 from "{p}texts" where lower(fingerprint) like %s', start))
        answer = super().reserve(alert)
        if answer == "emit":
            print(f"{relatives} relatives", file=sys.stderr)
            self.ask('insert into "{p}texts" values (%s, "{p}now_ms"())', alert.fingerprint)
        return answer


run(LooksLikeFirst(), "looks-like-first")
