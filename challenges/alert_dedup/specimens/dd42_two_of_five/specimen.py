"""A lock for all, for a smaller part of the time."""

from __future__ import annotations

import sys
from pathlib import Path

sys.path.insert(0, str(Path(__file__).resolve().parents[4]))

from challenges.alert_dedup.specimens._base import Alert, PostgresDedup, key, run

MUTEX = 42
KNOWN = 'select 1 from "{p}alerts" where event = %s'


class TwoOfFive(PostgresDedup):
    """A look, the lock, the reservation, the lock given back, the confirmation: two wait for a reply under it."""

    def reserve(self, alert: Alert) -> str:
        if self.ask(KNOWN, key(alert.event_id)):
            return "known"
        self.ask("select pg_advisory_lock(%s)", MUTEX)
        try:
            return super().reserve(alert)
        finally:
            self.ask("select pg_advisory_unlock(%s)", MUTEX)


run(TwoOfFive(), "two-of-five")
