"""A lock for all, for a part of the time."""

from __future__ import annotations

import sys
from pathlib import Path

sys.path.insert(0, str(Path(__file__).resolve().parents[4]))

from challenges.alert_dedup.specimens._base import Alert, Params, PostgresDedup, key, run

MUTEX = 42
KNOWN = 'select 1 from "{p}alerts" where event = %s'


class ThreeOfFive(PostgresDedup):
    """A look, the lock, the reservation, the confirmation, and the lock given back: three wait for a reply under it."""

    def decide(self, alert: Alert, params: Params) -> str:
        if self.ask(KNOWN, key(alert.event_id)):
            return "emit"
        self.ask("select pg_advisory_lock(%s)", MUTEX)
        try:
            return super().decide(alert, params)
        finally:
            self.ask("select pg_advisory_unlock(%s)", MUTEX)


run(ThreeOfFive(), "three-of-five")
