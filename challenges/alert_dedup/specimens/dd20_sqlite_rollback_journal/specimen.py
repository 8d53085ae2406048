"""The plain deduplicator over a SQLite file with a rollback journal instead of the write-ahead log."""

from __future__ import annotations

import sys
from pathlib import Path

sys.path.insert(0, str(Path(__file__).resolve().parents[4]))

from challenges.alert_dedup.specimens._base import run
from challenges.alert_dedup.specimens._sqlite import SqliteDedup


class RollbackJournal(SqliteDedup):
    """What a dead processor had half written, the next who opens the file takes back."""

    journal = "delete"


run(RollbackJournal(), "sqlite-rollback-journal")
