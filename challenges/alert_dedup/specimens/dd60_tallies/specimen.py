"""A few keys that stay."""

from __future__ import annotations

import sys
from pathlib import Path

sys.path.insert(0, str(Path(__file__).resolve().parents[4]))

from zlib import crc32

from challenges.alert_dedup.specimens._base import Alert, ValkeyDedup, run

DRAWERS = 50


class Tallies(ValkeyDedup):
    """Counts alerts in fifty drawers, for ever."""

    retention_ms = 6_000

    def confirm(self, alert: Alert) -> None:
        super().confirm(alert)
        self.store.hincrby(f"{self.prefix}tally", str(crc32(alert.fingerprint.encode()) % DRAWERS), 1)


run(Tallies(), "tallies")
