"""Takes over when asked."""

from __future__ import annotations

import sys
from pathlib import Path

sys.path.insert(0, str(Path(__file__).resolve().parents[4]))

import time

from challenges.alert_dedup.specimens._base import Alert, Params, ValkeyDedup, run

LOOK_EVERY_S = 0.05
RESERVE = """
if redis.call('EXISTS', KEYS[2]) == 1 then return 'known' end
if not redis.call('SET', KEYS[1], 1, 'NX', 'PX', ARGV[2]) then return 'suppress' end
redis.call('SET', KEYS[2], 1, 'PX', ARGV[3])
redis.call('SET', KEYS[3], ARGV[1], 'PX', ARGV[3])
return 'emit'
"""
CLAIM = """
if redis.call('GET', KEYS[1]) ~= ARGV[1] then return 0 end
redis.call('SET', KEYS[1], ARGV[2], 'PX', ARGV[3])
return 1
"""


class OnDemand(ValkeyDedup):
    """An offer that gets no alert of its own sees to it that the one it relies on went out."""

    lease_ms = 1_500
    claims = 0

    def pending(self, fingerprint: str) -> str:
        return f"{self.prefix}pending:{fingerprint}"

    def claim_of(self, alert: Alert) -> str:
        self.claims += 1
        return f"{self.node}/{self.claims}/{alert.pack()}"

    def reserve(self, alert: Alert) -> str:
        keys = [self.window_key(alert.fingerprint), self.event_key(alert.event_id), self.pending(alert.fingerprint)]
        return str(self.script(RESERVE, keys, self.claim_of(alert), self.window_ms, self.retention_ms))

    def confirm(self, alert: Alert) -> None:
        self.store.delete(self.pending(alert.fingerprint))

    def decide(self, alert: Alert, params: Params) -> str:
        answer = self.reserve(alert)
        if answer != "emit":
            self.see_through(self.pending(alert.fingerprint))
            return "emit" if answer == "known" else answer
        self.page(alert)
        self.confirm(alert)
        return answer

    def see_through(self, pending: str) -> None:
        """Returns once nothing is pending there: confirmed by its holder, or by us after a whole lease of watching him."""
        held, since_s = self.store.get(pending), time.monotonic()
        while held is not None:
            time.sleep(LOOK_EVERY_S)
            if time.monotonic() - since_s >= self.lease_ms / 1000:
                owed = Alert.unpack(held.split("/", 2)[2])
                if self.script(CLAIM, [pending], held, self.claim_of(owed), self.retention_ms):
                    self.page(owed)
                    self.confirm(owed)
            if (now_held := self.store.get(pending)) != held:
                held, since_s = now_held, time.monotonic()

    def tick(self, params: Params) -> None:
        return


run(OnDemand(), "on-demand")
