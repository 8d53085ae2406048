"""A store that does not answer in time is gone."""

from __future__ import annotations

import sys
from pathlib import Path

sys.path.insert(0, str(Path(__file__).resolve().parents[4]))

import secrets
from dataclasses import replace

import redis

from challenges.alert_dedup.specimens._base import NO_RETRY, Alert, Params, ValkeyDedup, run


class Impatient(ValkeyDedup):
    """Who waits longer than that would page too late."""

    options = NO_RETRY | {"socket_timeout": 0.3}

    def decide(self, alert: Alert, params: Params) -> str:
        try:
            return super().decide(alert, params)
        except redis.TimeoutError:
            self.page(replace(alert, alert_id=secrets.token_hex(12)))
            return "emit"


run(Impatient(), "impatient")
