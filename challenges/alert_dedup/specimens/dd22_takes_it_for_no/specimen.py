"""No answer is an answer."""

from __future__ import annotations

import sys
from pathlib import Path

sys.path.insert(0, str(Path(__file__).resolve().parents[4]))

import redis

from challenges.alert_dedup.specimens._base import NO_RETRY, Alert, ValkeyDedup, run


class TakesItForNo(ValkeyDedup):
    """Whoever could not reserve the alert leaves it to those who could."""

    options = NO_RETRY

    def reserve(self, alert: Alert) -> str:
        try:
            return super().reserve(alert)
        except redis.ConnectionError:
            return "suppress"


run(TakesItForNo(), "takes-it-for-no")
