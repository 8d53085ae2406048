"""A lease for each fingerprint, with a fencing token that grows."""

from __future__ import annotations

import sys
from pathlib import Path

sys.path.insert(0, str(Path(__file__).resolve().parents[4]))

from collections.abc import Iterable

from challenges.alert_dedup.specimens._base import NOW, Alert, ValkeyDedup, run

CLAIM = f"""{NOW}
if redis.call('EXISTS', KEYS[2]) == 1 then return 'known' end
if not redis.call('SET', KEYS[1], ARGV[1], 'NX', 'PX', ARGV[2]) then return 'suppress' end
redis.call('SET', KEYS[2], ARGV[1], 'PX', ARGV[3])
local token = redis.call('INCR', KEYS[4])
redis.call('ZADD', KEYS[3], now + ARGV[4], ARGV[1])
redis.call('HSET', KEYS[5], ARGV[1], token)
return tostring(token)
"""
RECLAIM = f"""{NOW}
local found = {{}}
for _, alert in ipairs(redis.call('ZRANGEBYSCORE', KEYS[1], '-inf', now)) do
    local token = redis.call('INCR', KEYS[2])
    redis.call('ZADD', KEYS[1], now + ARGV[1], alert)
    redis.call('HSET', KEYS[3], alert, token)
    table.insert(found, alert)
    table.insert(found, tostring(token))
end
return found
"""
# Who lost its lease meanwhile holds an older token, and ticks nothing off.
RELEASE = """
if redis.call('HGET', KEYS[2], ARGV[1]) ~= ARGV[2] then return 0 end
redis.call('ZREM', KEYS[1], ARGV[1])
return redis.call('HDEL', KEYS[2], ARGV[1])
"""


class Fencing(ValkeyDedup):
    """The newest holder of a lease alone may end it."""

    def __init__(self) -> None:
        self.tokens: dict[str, str] = {}

    def named(self, name: str) -> str:
        return f"{self.prefix}{name}"

    def reserve(self, alert: Alert) -> str:
        keys = [self.window_key(alert.fingerprint), self.event_key(alert.event_id), self.unconfirmed]
        keys += [self.named("token"), self.named("holders")]
        answer = str(self.script(CLAIM, keys, alert.pack(), self.window_ms, self.retention_ms, self.lease_ms))
        if answer in ("known", "suppress"):
            return answer
        self.tokens[alert.pack()] = answer
        return "emit"

    def confirm(self, alert: Alert) -> None:
        token = self.tokens.pop(alert.pack())
        self.script(RELEASE, [self.unconfirmed, self.named("holders")], alert.pack(), token)

    def take_over(self) -> Iterable[Alert]:
        keys = [self.unconfirmed, self.named("token"), self.named("holders")]
        found = self.script(RECLAIM, keys, self.lease_ms)
        for text, token in zip(found[::2], found[1::2], strict=True):
            self.tokens[text] = token
            yield Alert.unpack(text)


run(Fencing(), "fencing")
