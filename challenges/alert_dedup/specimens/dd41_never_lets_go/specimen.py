"""A lock without an end."""

from __future__ import annotations

import sys
from pathlib import Path

sys.path.insert(0, str(Path(__file__).resolve().parents[4]))

from challenges.alert_dedup.specimens._base import Alert, Params, PostgresDedup, run


class NeverLetsGo(PostgresDedup):
    """Decides under a lock of the session, one for each fingerprint."""

    def decide(self, alert: Alert, params: Params) -> str:
        self.ask("select pg_advisory_lock(hashtextextended(%s, 1))", alert.fingerprint)
        try:
            return super().decide(alert, params)
        finally:
            self.ask("select pg_advisory_unlock(hashtextextended(%s, 1))", alert.fingerprint)


run(NeverLetsGo(), "never-lets-go")
