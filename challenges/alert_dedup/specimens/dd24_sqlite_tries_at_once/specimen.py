"""A few tries at once, and it is somebody else's."""

from __future__ import annotations

import sys
from pathlib import Path

sys.path.insert(0, str(Path(__file__).resolve().parents[4]))

import sqlite3

from challenges.alert_dedup.specimens._base import Alert, run
from challenges.alert_dedup.specimens._sqlite import TriesAgain, is_busy


class TriesAtOnce(TriesAgain):
    """With a rollback journal every lock that cannot be had for a fault of the disk is an error at once."""

    journal = "delete"
    patience_s = 0.05

    def reserve(self, alert: Alert) -> str:
        try:
            return super().reserve(alert)
        except sqlite3.OperationalError as error:
            if is_busy(error):
                raise
            return "suppress"


run(TriesAtOnce(), "sqlite-tries-at-once")
