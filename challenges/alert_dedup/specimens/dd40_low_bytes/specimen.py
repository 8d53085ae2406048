"""One byte a character."""

from __future__ import annotations

import sys
from pathlib import Path

sys.path.insert(0, str(Path(__file__).resolve().parents[4]))

from challenges.alert_dedup.specimens._base import ValkeyDedup, run


class LowBytes(ValkeyDedup):
    """Names are ASCII."""

    def window_key(self, fingerprint: str) -> str:
        return f"{self.prefix}window:{bytes(ord(c) & 255 for c in fingerprint).hex()}"


run(LowBytes(), "low-bytes")
