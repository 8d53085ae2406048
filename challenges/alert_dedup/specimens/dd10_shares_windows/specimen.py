"""Eight windows for everybody."""

from __future__ import annotations

import sys
from pathlib import Path

sys.path.insert(0, str(Path(__file__).resolve().parents[4]))

from zlib import crc32

from challenges.alert_dedup.specimens._base import ValkeyDedup, run


class SharesWindows(ValkeyDedup):
    """A table of fixed size needs no cleaning up."""

    slots = 8

    def window_key(self, fingerprint: str) -> str:
        return f"{self.prefix}window:{crc32(fingerprint.encode()) % self.slots}"


run(SharesWindows(), "shares-windows")
