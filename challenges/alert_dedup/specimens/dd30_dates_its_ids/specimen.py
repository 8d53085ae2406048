"""Dates what it sends, by its own clock."""

from __future__ import annotations

import sys
from pathlib import Path

sys.path.insert(0, str(Path(__file__).resolve().parents[4]))

from candidates.sdk.python.harness_sdk import now_ms
from challenges.alert_dedup.specimens._base import PostgresDedup, run


class DatesItsIds(PostgresDedup):
    """The id is fixed when the alert is reserved, so the date is too."""

    def new_id(self, fingerprint: str, event_id: str) -> str:
        return f"{now_ms()}-{super().new_id(fingerprint, event_id)}"


run(DatesItsIds(), "dates-its-ids")
