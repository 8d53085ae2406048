"""A slot knows whose it is."""

from __future__ import annotations

import sys
from pathlib import Path

sys.path.insert(0, str(Path(__file__).resolve().parents[4]))

from zlib import crc32

from challenges.alert_dedup.specimens._base import Alert, ValkeyDedup, run


class OverwritesSlots(ValkeyDedup):
    """The latest one has it."""

    def slot(self, fingerprint: str) -> str:
        return f"{self.prefix}slot:{crc32(fingerprint.encode()):08x}"

    def window_key(self, fingerprint: str) -> str:
        return self.slot(fingerprint)

    def reserve(self, alert: Alert) -> str:
        open_for = self.store.get(self.slot(alert.fingerprint))
        if open_for is not None and Alert.unpack(open_for).fingerprint != alert.fingerprint:
            self.store.delete(self.slot(alert.fingerprint))
        return super().reserve(alert)


run(OverwritesSlots(), "overwrites-slots")
