"""Short ids, with the life in which they were given."""

from __future__ import annotations

import sys
from pathlib import Path

sys.path.insert(0, str(Path(__file__).resolve().parents[4]))

import secrets

from challenges.alert_dedup.specimens._base import ValkeyDedup, run


class CountsInItsLife(ValkeyDedup):
    """The processor, a word for its life, and a number."""

    life = secrets.token_hex(4)
    count = 0

    def new_id(self, fingerprint: str, event_id: str) -> str:
        self.count += 1
        return f"{self.node}-{self.life}-{self.count}"


run(CountsInItsLife(), "counts-in-its-life")
