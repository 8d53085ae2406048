"""Too late, and under the same id."""

from __future__ import annotations

import sys
from pathlib import Path

sys.path.insert(0, str(Path(__file__).resolve().parents[4]))

import secrets

from challenges.alert_dedup.specimens._base import ValkeyDedup, run


class RepeatsItsId(ValkeyDedup):
    """Nothing keeps it from paging late; the id is that of the reservation."""

    def new_id(self, fingerprint: str, event_id: str) -> str:
        return secrets.token_hex(12)


run(RepeatsItsId(), "repeats-its-id")
