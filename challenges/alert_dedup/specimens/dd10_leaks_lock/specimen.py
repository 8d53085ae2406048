"""A lock that is leaked."""

from __future__ import annotations

import sys
from pathlib import Path

sys.path.insert(0, str(Path(__file__).resolve().parents[4]))

import time

from challenges.alert_dedup.specimens._base import Alert, ValkeyDedup, run

LOOK_EVERY_S, PATIENCE_S = 0.02, 0.5


class LeaksLock(ValkeyDedup):
    """Looks under a lock whether the window is open, to save the store the larger question."""

    def reserve(self, alert: Alert) -> str:
        lock, since_s = f"{self.prefix}lock:{alert.fingerprint}", time.monotonic()
        while not self.store.set(lock, self.node, nx=True):
            if time.monotonic() - since_s > PATIENCE_S:
                raise TimeoutError("the fingerprint is locked")
            time.sleep(LOOK_EVERY_S)
        if self.store.exists(self.window_key(alert.fingerprint)) and not self.store.exists(self.event_key(alert.event_id)):
            return "suppress"
        answer = super().reserve(alert)
        self.store.delete(lock)
        return answer


run(LeaksLock(), "leaks-lock")
