"""A cache that looks at the absolute age."""

from __future__ import annotations

import sys
from pathlib import Path

sys.path.insert(0, str(Path(__file__).resolve().parents[4]))

from candidates.sdk.python.harness_sdk import now_ms
from challenges.alert_dedup.specimens._base import NOW, Alert, Params, ValkeyDedup, run

# A window may be opened if there is none, or if it is still the one that the caller opened and holds for over.
RESERVE = f"""{NOW}
if redis.call('EXISTS', KEYS[2]) == 1 then return {{'known', now}} end
local open = redis.call('GET', KEYS[1])
if open and open ~= ARGV[5] then return {{'suppress', now}} end
redis.call('SET', KEYS[1], ARGV[1], 'PX', ARGV[2])
redis.call('SET', KEYS[2], ARGV[1], 'PX', ARGV[3])
redis.call('ZADD', KEYS[3], now + ARGV[4], ARGV[1])
return {{'emit', now}}
"""


class CacheDecides(ValkeyDedup):
    """What it opened it knows, and needs not ask for."""

    def __init__(self) -> None:
        self.opened: dict[str, tuple[int, Alert]] = {}

    def reserve(self, alert: Alert) -> str:
        opened_ms, mine = self.opened.get(alert.fingerprint, (0, None))
        if mine is not None and abs(now_ms() - opened_ms) < self.window_ms:
            return "known" if mine.event_id == alert.event_id else "suppress"
        keys = [self.window_key(alert.fingerprint), self.event_key(alert.event_id), self.unconfirmed]
        values = (alert.pack(), self.window_ms, self.retention_ms, self.lease_ms, "" if mine is None else mine.pack())
        answer, at_ms = self.script(RESERVE, keys, *values)
        self.opened.pop(alert.fingerprint, None)
        if answer == "emit":
            self.opened[alert.fingerprint] = int(at_ms), alert
        return str(answer)

    def reset(self, params: Params) -> None:
        self.opened = {}


run(CacheDecides(), "cache-decides")
