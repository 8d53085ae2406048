"""Twice as fast."""

from __future__ import annotations

import sys
from pathlib import Path

sys.path.insert(0, str(Path(__file__).resolve().parents[4]))

from challenges.alert_dedup.specimens._base import PostgresDedup, run


class CommitsLater(PostgresDedup):
    """The server may write the log when it has time."""

    def connect(self, url: str) -> None:
        super().connect(url)
        self.connection.execute("set synchronous_commit = off")


run(CommitsLater(), "commits-later")
