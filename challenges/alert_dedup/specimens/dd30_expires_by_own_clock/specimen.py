"""Says when a window ends."""

from __future__ import annotations

import sys
from pathlib import Path

sys.path.insert(0, str(Path(__file__).resolve().parents[4]))

from candidates.sdk.python.harness_sdk import now_ms
from challenges.alert_dedup.specimens._base import SETUP, Alert, PostgresDedup, key, run

OPENED = 'values (a_fingerprint, "{p}now_ms"())'
AGAIN = 'set opened_ms = "{p}now_ms"() where'


class ExpiresByOwnClock(PostgresDedup):
    """The moment at which a window opened comes with the offer."""

    def setup(self) -> str:
        told = SETUP.replace("a_lease int)\nreturns text", "a_lease int, a_now bigint)\nreturns text")
        return told.replace(OPENED, "values (a_fingerprint, a_now)").replace(AGAIN, "set opened_ms = a_now where")

    def reserve(self, alert: Alert) -> str:
        values = (key(alert.fingerprint), key(alert.event_id), alert.pack(), self.window_ms, self.lease_ms, now_ms())
        return str(self.ask('select "{p}reserve"(%s, %s, %s, %s, %s, %s)', *values)[0])


run(ExpiresByOwnClock(), "expires-by-own-clock")
