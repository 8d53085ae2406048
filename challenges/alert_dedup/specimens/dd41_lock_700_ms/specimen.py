"""A lock for everything, that ends soon."""

from __future__ import annotations

import sys
from pathlib import Path

sys.path.insert(0, str(Path(__file__).resolve().parents[4]))

import time

from challenges.alert_dedup.specimens._base import Alert, Params, ValkeyDedup, run

LOOK_EVERY_S = 0.02
UNLOCK = "if redis.call('GET', KEYS[1]) == ARGV[1] then redis.call('DEL', KEYS[1]) end"


class Lock700Ms(ValkeyDedup):
    """Whoever decides holds the one lock; it ends by itself, and only saves work: the script is atomic without it."""

    lock_ms = 700

    def decide(self, alert: Alert, params: Params) -> str:
        lock, holder = f"{self.prefix}lock", f"{self.node}/{alert.event_id}"
        while not self.store.set(lock, holder, nx=True, px=self.lock_ms):
            time.sleep(LOOK_EVERY_S)
        try:
            return super().decide(alert, params)
        finally:
            self.script(UNLOCK, [lock], holder)


run(Lock700Ms(), "lock-700-ms")
