"""A lease longer than it says."""

from __future__ import annotations

import sys
from pathlib import Path

sys.path.insert(0, str(Path(__file__).resolve().parents[4]))

from challenges.alert_dedup.specimens._base import RESERVE, Alert, ValkeyDedup, run

TIMES = 4


class LongLease(ValkeyDedup):
    """Gives a holder four times the lease that it declares."""

    def reserve(self, alert: Alert) -> str:
        keys = [self.window_key(alert.fingerprint), self.event_key(alert.event_id), self.unconfirmed]
        return str(self.script(RESERVE, keys, alert.pack(), self.window_ms, self.retention_ms, TIMES * self.lease_ms))


run(LongLease(), "long-lease")
