"""A memory without an end."""

from __future__ import annotations

import sys
from pathlib import Path

sys.path.insert(0, str(Path(__file__).resolve().parents[4]))

from array import array

from challenges.alert_dedup.specimens._base import Alert, Params, ValkeyDedup, run

NUMBERS = 10_000  # of eight bytes, for one event


class RemembersAll(ValkeyDedup):
    """Keeps a table of numbers for each event that it saw."""

    retention_ms = 6_000

    def __init__(self) -> None:
        self.seen: dict[str, array[float]] = {}

    def decide(self, alert: Alert, params: Params) -> str:
        self.seen[alert.event_id] = array("d", range(NUMBERS))
        return super().decide(alert, params)


run(RemembersAll(), "remembers-all")
