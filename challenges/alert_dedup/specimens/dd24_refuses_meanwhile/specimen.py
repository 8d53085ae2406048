"""Not now."""

from __future__ import annotations

import sys
from pathlib import Path

sys.path.insert(0, str(Path(__file__).resolve().parents[4]))

import redis

from candidates.sdk.python.harness_sdk import Unavailable
from challenges.alert_dedup.specimens._base import NO_RETRY, Alert, Params, ValkeyDedup, run


class RefusesMeanwhile(ValkeyDedup):
    """Nothing has happened as long as the store has not been asked for the reservation."""

    options = NO_RETRY

    def decide(self, alert: Alert, params: Params) -> str:
        try:
            self.store.ping()
        except redis.RedisError as error:
            raise Unavailable(str(error)) from error
        return super().decide(alert, params)


run(RefusesMeanwhile(), "refuses-meanwhile")
