"""Reads and writes in one transaction that takes no lock before it writes."""

from __future__ import annotations

import sys
from pathlib import Path

sys.path.insert(0, str(Path(__file__).resolve().parents[4]))

from challenges.alert_dedup.specimens._base import run
from challenges.alert_dedup.specimens._sqlite import SqliteDedup


class Deferred(SqliteDedup):
    """Whoever writes second finds that what he read is not so any more, and says that he could not do it."""

    begin = "begin deferred"


run(Deferred(), "sqlite-deferred")
