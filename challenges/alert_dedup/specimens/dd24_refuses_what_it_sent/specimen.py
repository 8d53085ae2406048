"""Says that nothing happened."""

from __future__ import annotations

import sys
from pathlib import Path

sys.path.insert(0, str(Path(__file__).resolve().parents[4]))

import redis

from candidates.sdk.python.harness_sdk import Unavailable
from challenges.alert_dedup.specimens._base import NO_RETRY, Alert, Params, ValkeyDedup, run


class RefusesWhatItSent(ValkeyDedup):
    """Whatever the store has to do with is temporary."""

    options = NO_RETRY

    def decide(self, alert: Alert, params: Params) -> str:
        try:
            return super().decide(alert, params)
        except redis.RedisError as error:
            raise Unavailable(str(error)) from error


run(RefusesWhatItSent(), "refuses-what-it-sent")
