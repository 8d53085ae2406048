"""The plain deduplicator over Valkey with windows that somebody's clock decides: `now` says whose. Leases stay the store's."""

from __future__ import annotations

from typing import Any

from candidates.sdk.python.harness_sdk import now_ms
from challenges.alert_dedup.specimens._base import NOW, Alert, Params, ValkeyDedup

RESERVE_AT = f"""{NOW}
if redis.call('EXISTS', KEYS[2]) == 1 then return 'known' end
local opened = redis.call('GET', KEYS[1])
if opened and tonumber(ARGV[5]) < tonumber(opened) + tonumber(ARGV[2]) then return 'suppress' end
redis.call('SET', KEYS[1], ARGV[6], 'PX', ARGV[3])
redis.call('SET', KEYS[2], ARGV[1], 'PX', ARGV[3])
redis.call('ZADD', KEYS[3], now + ARGV[4], ARGV[1])
return 'emit'
"""
LEAP_MS = 1_000


class OwnClock(ValkeyDedup):
    """A window is open until `now` is `window_ms` past the moment that was written into it."""

    def now(self) -> int:
        return now_ms()

    def opening(self) -> int:
        """What a window is opened with."""
        return self.now()

    def store_ms(self) -> int:
        """The store's clock."""
        seconds, micros = self.store.time()
        return int(seconds) * 1000 + int(micros) // 1000

    def reserve(self, alert: Alert) -> str:
        keys = [self.window_key(alert.fingerprint), self.event_key(alert.event_id), self.unconfirmed]
        values = (alert.pack(), self.window_ms, self.retention_ms, self.lease_ms, self.now(), self.opening())
        return str(self.script(RESERVE_AT, keys, *values))


class Measured(OwnClock):
    """Its own clock, less what it is ahead of the store's: measured at the start, and anew when the clock leaps."""

    margin_ms = 400
    """For what a clock gains or loses within a window."""
    ahead_ms = 0
    last_ms = 0

    def initialize(self, params: Params) -> None:
        super().initialize(params)
        self.window_ms += self.margin_ms
        self.last_ms = now_ms()
        self.ahead_ms = self.at_start(self.last_ms - self.store_ms())

    def at_start(self, ahead_ms: int) -> int:
        """What it makes of the first measurement."""
        return ahead_ms

    def tick(self, params: Params) -> Any:
        self.look()
        super().tick(params)

    def now(self) -> int:
        self.look()
        return now_ms() - self.ahead_ms

    def look(self) -> None:
        """Measures anew if the clock went back, or ahead by more than ticks account for."""
        before_ms, self.last_ms = self.last_ms, now_ms()
        if not 0 <= self.last_ms - before_ms < LEAP_MS:
            self.leapt(self.last_ms - before_ms)

    def leapt(self, _by_ms: int) -> None:
        self.ahead_ms = now_ms() - self.store_ms()
