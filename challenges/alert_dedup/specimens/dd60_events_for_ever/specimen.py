"""Keys that stay."""

from __future__ import annotations

import sys
from pathlib import Path

sys.path.insert(0, str(Path(__file__).resolve().parents[4]))

from challenges.alert_dedup.specimens._base import RESERVE, Alert, ValkeyDedup, run

FOR_EVER = RESERVE.replace("redis.call('SET', KEYS[2], ARGV[1], 'PX', ARGV[3])", "redis.call('SET', KEYS[2], ARGV[1])")


class EventsForEver(ValkeyDedup):
    """The windows expire, the events do not."""

    retention_ms = 6_000

    def reserve(self, alert: Alert) -> str:
        keys = [self.window_key(alert.fingerprint), self.event_key(alert.event_id), self.unconfirmed]
        return str(self.script(FOR_EVER, keys, alert.pack(), self.window_ms, self.retention_ms, self.lease_ms))


run(EventsForEver(), "events-for-ever")
