"""One connection, for life."""

from __future__ import annotations

import sys
from pathlib import Path

sys.path.insert(0, str(Path(__file__).resolve().parents[4]))

from typing import Any

from challenges.alert_dedup.specimens._base import PostgresDedup, run


class GivesUp(PostgresDedup):
    """Whoever started it has seen to it that there is a store."""

    def ask(self, text: str, *values: str | int) -> list[Any]:
        cursor = self.connection.execute(self.sql(text), values)
        return [row[0] for row in cursor.fetchall()] if cursor.description else []


run(GivesUp(), "gives-up")
