"""No store, no alert."""

from __future__ import annotations

import sys
from pathlib import Path

sys.path.insert(0, str(Path(__file__).resolve().parents[4]))

import redis

from challenges.alert_dedup.specimens._base import NO_RETRY, Alert, Params, ValkeyDedup, run


class ErrorMeansSuppress(ValkeyDedup):
    """Without the store nobody can know whether the alert is new."""

    options = NO_RETRY

    def decide(self, alert: Alert, params: Params) -> str:
        try:
            return super().decide(alert, params)
        except redis.RedisError:
            return "suppress"


run(ErrorMeansSuppress(), "error-means-suppress")
