"""A lock that is not given back is nobody's any more."""

from __future__ import annotations

import sys
from pathlib import Path

sys.path.insert(0, str(Path(__file__).resolve().parents[4]))

import secrets
import sqlite3
from dataclasses import replace

from challenges.alert_dedup.specimens._base import Alert, run
from challenges.alert_dedup.specimens._sqlite import TriesAgain, is_busy


class BusyMeansPage(TriesAgain):
    """Who cannot ask pages."""

    def reserve(self, alert: Alert) -> str:
        try:
            return super().reserve(alert)
        except sqlite3.OperationalError as error:
            if not is_busy(error):
                raise
            self.page(replace(alert, alert_id=secrets.token_hex(12)))
            return "known"


run(BusyMeansPage(), "sqlite-busy-means-page")
