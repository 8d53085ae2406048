"""A connection now and then."""

from __future__ import annotations

import sys
from pathlib import Path

sys.path.insert(0, str(Path(__file__).resolve().parents[4]))

from typing import Any

import redis

from challenges.alert_dedup.specimens._base import Alert, Params, ValkeyDedup, run

EVERY = 100


class SpareConnections(ValkeyDedup):
    """Connects anew for every hundredth offer, as if the old connection might have aged, and closes none."""

    retention_ms = 6_000
    offers = 0

    def connect(self, url: str) -> None:
        self.url: str = url
        self.old: list[Any] = []
        super().connect(url)

    def decide(self, alert: Alert, params: Params) -> str:
        self.offers += 1
        if self.offers % EVERY == 0:
            self.old.append(self.store)
            self.store = redis.Redis.from_url(self.url, protocol=2, decode_responses=True)
        return super().decide(alert, params)


run(SpareConnections(), "spare-connections")
