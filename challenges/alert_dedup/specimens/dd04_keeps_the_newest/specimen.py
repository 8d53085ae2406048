"""A memory of fixed size."""

from __future__ import annotations

import sys
from pathlib import Path

sys.path.insert(0, str(Path(__file__).resolve().parents[4]))

import secrets

from challenges.alert_dedup.specimens._base import NOW, Alert, ValkeyDedup, run

KNOWN = f"""{NOW}
redis.call('ZREMRANGEBYRANK', KEYS[2], 0, -2001)
if redis.call('ZSCORE', KEYS[2], ARGV[5]) then return 'known' end
if not redis.call('SET', KEYS[1], ARGV[1], 'NX', 'PX', ARGV[2]) then return 'suppress' end
redis.call('ZADD', KEYS[2], now, ARGV[5])
redis.call('ZADD', KEYS[3], now + ARGV[4], ARGV[1])
return 'emit'
"""


class KeepsTheNewest(ValkeyDedup):
    """One sorted set of all events that are known."""

    def new_id(self, fingerprint: str, event_id: str) -> str:
        return secrets.token_hex(12)

    def reserve(self, alert: Alert) -> str:
        keys = [self.window_key(alert.fingerprint), f"{self.prefix}known", self.unconfirmed]
        values = (self.window_ms, self.retention_ms, self.lease_ms, alert.event_id)
        return str(self.script(KNOWN, keys, alert.pack(), *values))


run(KeepsTheNewest(), "keeps-the-newest")
