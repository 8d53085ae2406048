"""Reads, then writes, over a SQLite file: two statements, each a transaction of its own."""

from __future__ import annotations

import sys
from pathlib import Path

sys.path.insert(0, str(Path(__file__).resolve().parents[4]))

from challenges.alert_dedup.specimens._base import Alert, run
from challenges.alert_dedup.specimens._sqlite import SqliteDedup


class ReadsThenInserts(SqliteDedup):
    """Right as long as nobody comes between the reading and the writing."""

    def reserve(self, alert: Alert) -> str:
        if self.known(alert):
            return "known"
        if self.open(alert):
            return "suppress"
        with self.transaction():
            self.insert(alert)
        return "emit"


run(ReadsThenInserts(), "sqlite-reads-then-inserts")
