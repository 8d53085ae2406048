"""Four bytes for any fingerprint."""

from __future__ import annotations

import sys
from pathlib import Path

sys.path.insert(0, str(Path(__file__).resolve().parents[4]))

from zlib import crc32

from challenges.alert_dedup.specimens._base import ValkeyDedup, run


class Crc32(ValkeyDedup):
    """A checksum is as good as a name."""

    def window_key(self, fingerprint: str) -> str:
        return f"{self.prefix}window:{crc32(fingerprint.encode()):08x}"


run(Crc32(), "crc32")
