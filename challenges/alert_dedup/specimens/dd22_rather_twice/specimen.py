"""Rather twice than never."""

from __future__ import annotations

import sys
from pathlib import Path

sys.path.insert(0, str(Path(__file__).resolve().parents[4]))

import secrets
from dataclasses import replace

import redis

from challenges.alert_dedup.specimens._base import NO_RETRY, Alert, Params, ValkeyDedup, run


class RatherTwice(ValkeyDedup):
    """Where the store does not say whether the alert is its own, it pages."""

    options = NO_RETRY

    def decide(self, alert: Alert, params: Params) -> str:
        try:
            return super().decide(alert, params)
        except redis.ConnectionError:
            self.page(replace(alert, alert_id=secrets.token_hex(12)))
            return "emit"


run(RatherTwice(), "rather-twice")
