"""The page is out, the rest is tidying up."""

from __future__ import annotations

import sys
from pathlib import Path

sys.path.insert(0, str(Path(__file__).resolve().parents[4]))

import contextlib

import redis

from challenges.alert_dedup.specimens._base import NO_RETRY, Alert, ValkeyDedup, run


class ConfirmsOnce(ValkeyDedup):
    """What goes wrong after the page is not worth an error."""

    options = NO_RETRY

    def confirm(self, alert: Alert) -> None:
        with contextlib.suppress(redis.ConnectionError):
            super().confirm(alert)


run(ConfirmsOnce(), "confirms-once")
