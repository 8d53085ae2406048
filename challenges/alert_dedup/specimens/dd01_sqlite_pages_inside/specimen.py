"""Pages inside the transaction that reserves."""

from __future__ import annotations

import sys
from pathlib import Path

sys.path.insert(0, str(Path(__file__).resolve().parents[4]))

from challenges.alert_dedup.specimens._base import Alert, run
from challenges.alert_dedup.specimens._sqlite import SqliteDedup


class PagesInside(SqliteDedup):
    """Killed before the commit, it has paged, and its store knows nothing of it."""

    def decide(self, alert: Alert, params: dict[str, object]) -> str:
        with self.transaction():
            if self.known(alert):
                return "emit"
            if self.open(alert):
                return "suppress"
            self.insert(alert)
            self.page(alert)
        self.confirm(alert)
        return "emit"


run(PagesInside(), "sqlite-pages-inside")
