"""Joined so that it can be taken apart."""

from __future__ import annotations

import sys
from pathlib import Path

sys.path.insert(0, str(Path(__file__).resolve().parents[4]))

from challenges.alert_dedup.specimens._base import ValkeyDedup, run


class JoinsWithLengths(ValkeyDedup):
    """Name and length, of prefix and fingerprint."""

    def window_key(self, fingerprint: str) -> str:
        return f"{len(self.prefix)}:{self.prefix}:{len(fingerprint)}:{fingerprint}"

    def event_key(self, event_id: str) -> str:
        return f"event:{len(self.prefix)}:{self.prefix}:{event_id}"


run(JoinsWithLengths(), "joins-with-lengths")
