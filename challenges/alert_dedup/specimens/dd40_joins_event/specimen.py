"""An event belongs to its fingerprint."""

from __future__ import annotations

import sys
from pathlib import Path

sys.path.insert(0, str(Path(__file__).resolve().parents[4]))

from challenges.alert_dedup.specimens._base import RESERVE, Alert, ValkeyDedup, run


class JoinsEvent(ValkeyDedup):
    """Ids need be unique within a fingerprint only."""

    def reserve(self, alert: Alert) -> str:
        known = self.event_key(f"{alert.fingerprint}:{alert.event_id}")
        keys = [self.window_key(alert.fingerprint), known, self.unconfirmed]
        return str(self.script(RESERVE, keys, alert.pack(), self.window_ms, self.retention_ms, self.lease_ms))


run(JoinsEvent(), "joins-event")
