"""One decision at a time."""

from __future__ import annotations

import sys
from pathlib import Path

sys.path.insert(0, str(Path(__file__).resolve().parents[4]))

from challenges.alert_dedup.specimens._base import Alert, Params, PostgresDedup, run

MUTEX = 42


class OneAtATime(PostgresDedup):
    """Decides under one lock for all processors."""

    def decide(self, alert: Alert, params: Params) -> str:
        self.ask("select pg_advisory_lock(%s)", MUTEX)
        try:
            return super().decide(alert, params)
        finally:
            self.ask("select pg_advisory_unlock(%s)", MUTEX)


run(OneAtATime(), "one-at-a-time")
