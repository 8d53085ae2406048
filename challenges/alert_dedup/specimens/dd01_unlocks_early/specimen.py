"""Locks the reading, not the writing."""

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


class UnlocksEarly(ValkeyDedup):
    """The lock is given back as soon as the answer is known, so that nobody waits longer than he must."""

    def reserve(self, alert: Alert) -> str:
        keys = [self.window_key(alert.fingerprint), self.event_key(alert.event_id), self.unconfirmed]
        lock = f"{self.prefix}lock:{alert.fingerprint}"
        while not self.store.set(lock, self.node, nx=True, px=self.lease_ms):
            time.sleep(LOOK_EVERY_S)
        window, event = self.store.mget(keys[:2])
        self.store.delete(lock)
        if event is not None or window is not None:
            return "suppress" if event is None else "known"
        self.script(WRITE, keys, alert.pack(), self.window_ms, self.retention_ms, self.lease_ms)
        return "emit"


run(UnlocksEarly(), "unlocks-early")
