"""Looks, lets go, and looks again."""

from __future__ import annotations

import sys
from pathlib import Path

sys.path.insert(0, str(Path(__file__).resolve().parents[4]))

import time

from challenges.alert_dedup.specimens._base import Alert, ValkeyDedup, run

POLL_S = 0.02
HELD_MS = 100


class StepsBack(ValkeyDedup):
    """Nobody was announced when it held the lock, so whoever is there now must have been first."""

    def reserve(self, alert: Alert) -> str:
        announced, lock = f"{self.prefix}announced:{alert.fingerprint}", f"{self.prefix}lock:{alert.fingerprint}"
        while not self.store.set(lock, self.node, nx=True, px=HELD_MS):
            time.sleep(POLL_S)
        while not self.store.exists(self.window_key(alert.fingerprint)) and self.others(announced):
            time.sleep(POLL_S)
        self.store.delete(lock)
        self.store.pipeline().hset(announced, self.node, alert.event_id).pexpire(announced, HELD_MS).execute()
        return "suppress" if self.others(announced) else super().reserve(alert)

    def others(self, announced: str) -> set[str]:
        return set(self.store.hkeys(announced)) - {self.node}


run(StepsBack(), "steps-back")
