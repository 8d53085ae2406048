"""A lease longer than it says."""

from __future__ import annotations

import sys
from pathlib import Path

sys.path.insert(0, str(Path(__file__).resolve().parents[4]))

from challenges.alert_dedup.specimens._base import RESERVE, Alert, ValkeyDedup, run


class Lease3000(ValkeyDedup):
    """Declares a lease of 2 s, so that a page may take 4, and gives its holders another one."""

    given_ms = 3_000

    def reserve(self, alert: Alert) -> str:
        keys = [self.window_key(alert.fingerprint), self.event_key(alert.event_id), self.unconfirmed]
        return str(self.script(RESERVE, keys, alert.pack(), self.window_ms, self.retention_ms, self.given_ms))


run(Lease3000(), "lease-3000")
