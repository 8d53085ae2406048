"""No store, every alert."""

from __future__ import annotations

import sys
from pathlib import Path

sys.path.insert(0, str(Path(__file__).resolve().parents[4]))

import redis

from challenges.alert_dedup.specimens._base import NO_RETRY, Alert, Params, ValkeyDedup, run


class ErrorMeansEmit(ValkeyDedup):
    """Without the store nobody can know whether the alert is old."""

    options = NO_RETRY

    def decide(self, alert: Alert, params: Params) -> str:
        try:
            return super().decide(alert, params)
        except redis.RedisError:
            self.page(alert)
            return "emit"


run(ErrorMeansEmit(), "error-means-emit")
