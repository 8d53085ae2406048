"""Short ids that a person can read."""

from __future__ import annotations

import sys
from pathlib import Path

sys.path.insert(0, str(Path(__file__).resolve().parents[4]))

from challenges.alert_dedup.specimens._base import ValkeyDedup, run


class CountsItsIds(ValkeyDedup):
    """The processor and a number."""

    count = 0

    def new_id(self, fingerprint: str, event_id: str) -> str:
        self.count += 1
        return f"{self.node}-{self.count}"


run(CountsItsIds(), "counts-its-ids")
