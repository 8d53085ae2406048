"""Some keys that stay."""

from __future__ import annotations

import sys
from pathlib import Path

sys.path.insert(0, str(Path(__file__).resolve().parents[4]))

from zlib import crc32

from challenges.alert_dedup.specimens._base import Alert, ValkeyDedup, run

ONE_IN = 25


class KeepsOneIn25(ValkeyDedup):
    """Some events are kept for good, as samples; all of a wave are remembered at its end."""

    retention_ms = 40_000

    def confirm(self, alert: Alert) -> None:
        super().confirm(alert)
        if crc32(alert.event_id.encode()) % ONE_IN == 0:
            self.store.persist(self.event_key(alert.event_id))


run(KeepsOneIn25(), "keeps-one-in-25")
