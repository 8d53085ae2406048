"""A digest is unique."""

from __future__ import annotations

import sys
from pathlib import Path

sys.path.insert(0, str(Path(__file__).resolve().parents[4]))

from hashlib import sha256

from challenges.alert_dedup.specimens._base import ValkeyDedup, run


class OneIdForBoth(ValkeyDedup):
    """Ids of a text, and not of two."""

    def new_id(self, fingerprint: str, event_id: str) -> str:
        return sha256(f"{fingerprint}:{event_id}".encode()).hexdigest()[:24]


run(OneIdForBoth(), "one-id-for-both")
