"""After you, if you do go."""

from __future__ import annotations

import sys
import time
from pathlib import Path

sys.path.insert(0, str(Path(__file__).resolve().parents[4]))

from challenges.alert_dedup.specimens._base import Alert, ValkeyDedup, run

HEAD_START_S = 0.005


class GivesWayOnce(ValkeyDedup):
    """The lower id goes on, the other looks again and asks for the reservation like anybody else: only that suppresses."""

    def reserve(self, alert: Alert) -> str:
        announced = f"{self.prefix}announced:{alert.fingerprint}"
        self.store.pipeline().hset(announced, self.node, alert.event_id).pexpire(announced, self.lease_ms).execute()
        if min(self.store.hkeys(announced), default=self.node) < self.node:
            self.store.hdel(announced, self.node)
            if not self.store.exists(self.window_key(alert.fingerprint)):
                time.sleep(HEAD_START_S)
        answer = super().reserve(alert)
        self.store.hdel(announced, self.node)
        return answer


run(GivesWayOnce(), "gives-way-once")
