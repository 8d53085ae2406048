"""A number for any fingerprint."""

from __future__ import annotations

import sys
from pathlib import Path

sys.path.insert(0, str(Path(__file__).resolve().parents[4]))

from challenges.alert_dedup.specimens._base import Alert, PostgresDedup, key, run


class Hashtext(PostgresDedup):
    """The database has a hash of its own."""

    def reserve(self, alert: Alert) -> str:
        number = str(self.ask("select hashtext(%s)", alert.fingerprint)[0])
        values = (number, key(alert.event_id), alert.pack(), self.window_ms, self.lease_ms)
        return str(self.ask('select "{p}reserve"(%s, %s, %s, %s, %s)', *values)[0])


run(Hashtext(), "hashtext")
