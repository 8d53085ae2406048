"""Rather twice than never."""

from __future__ import annotations

import sys
from pathlib import Path

sys.path.insert(0, str(Path(__file__).resolve().parents[4]))

import secrets
import sqlite3
from dataclasses import replace

from challenges.alert_dedup.specimens._base import Alert, run
from challenges.alert_dedup.specimens._sqlite import SqliteDedup, TriesAgain, is_busy


class RatherTwice(TriesAgain):
    """Where the disk fails as it reserves, it pages."""

    def reserve(self, alert: Alert) -> str:
        try:
            return SqliteDedup.reserve(self, alert)
        except sqlite3.OperationalError as error:
            if is_busy(error):
                raise
            self.page(replace(alert, alert_id=secrets.token_hex(12)))
            return "known"


run(RatherTwice(), "sqlite-rather-twice")
