"""The plain deduplicator over Valkey with one sorted set of all events that are known, by when they came; ids are random."""

from __future__ import annotations

import secrets
from typing import ClassVar

from challenges.alert_dedup.specimens._base import NOW, Alert, ValkeyDedup

# ARGV: the alert, window, retention, lease (ms), event.
KNOWN = """
if redis.call('ZSCORE', KEYS[2], ARGV[5]) then return 'known' end
if not redis.call('SET', KEYS[1], ARGV[1], 'NX', 'PX', ARGV[2]) then return 'suppress' end
redis.call('ZADD', KEYS[2], now, ARGV[5])
redis.call('ZADD', KEYS[3], now + ARGV[4], ARGV[1])
return 'emit'
"""


class OneSet(ValkeyDedup):
    """`trim`: what goes from the set, at each offer."""

    trim: ClassVar[str]

    def new_id(self, fingerprint: str, event_id: str) -> str:
        return secrets.token_hex(12)

    def reserve(self, alert: Alert) -> str:
        keys = [self.window_key(alert.fingerprint), f"{self.prefix}known", self.unconfirmed]
        values = (self.window_ms, self.retention_ms, self.lease_ms, alert.event_id)
        return str(self.script(NOW + self.trim + KNOWN, keys, alert.pack(), *values))
