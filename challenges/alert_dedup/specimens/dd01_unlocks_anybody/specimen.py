"""A lock that anybody opens."""

from __future__ import annotations

import sys
from pathlib import Path

sys.path.insert(0, str(Path(__file__).resolve().parents[4]))

import time

from challenges.alert_dedup.specimens._base import NOW, Alert, ValkeyDedup, run

LOOK_EVERY_S = 0.02
WRITE = f"""{NOW}
redis.call('SET', KEYS[1], ARGV[1], 'PX', ARGV[2])
redis.call('SET', KEYS[2], ARGV[1], 'PX', ARGV[3])
redis.call('ZADD', KEYS[3], now + ARGV[4], ARGV[1])
"""


class UnlocksAnybody(ValkeyDedup):
    """Reads and writes under the lock of the fingerprint, and lets go of it in the end, come what may."""

    def reserve(self, alert: Alert) -> str:
        lock = f"{self.prefix}lock:{alert.fingerprint}"
        while True:
            try:
                if self.store.set(lock, self.node, nx=True, px=self.lease_ms):
                    return self.alone(alert)
            finally:
                self.store.delete(lock)
            time.sleep(LOOK_EVERY_S)

    def alone(self, alert: Alert) -> str:
        keys = [self.window_key(alert.fingerprint), self.event_key(alert.event_id), self.unconfirmed]
        window, event = self.store.mget(keys[:2])
        if event is not None or window is not None:
            return "suppress" if event is None else "known"
        self.script(WRITE, keys, alert.pack(), self.window_ms, self.retention_ms, self.lease_ms)
        return "emit"


run(UnlocksAnybody(), "unlocks-anybody")
