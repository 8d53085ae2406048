"""Asks, validates, reserves."""

from __future__ import annotations

import sys
from pathlib import Path

sys.path.insert(0, str(Path(__file__).resolve().parents[4]))

from candidates.sdk.python.harness_sdk import InvalidParams
from challenges.alert_dedup.specimens._base import Alert, Params, ValkeyDedup, run


class ValidatesFirst(ValkeyDedup):
    """A redelivered event, whose body was looked at already, is answered from memory."""

    def read(self, params: Params) -> Alert:
        return super().read({**params, "alert": {}})

    def decide(self, alert: Alert, params: Params) -> str:
        known = self.store.exists(self.event_key(alert.event_id))
        if not isinstance(params.get("alert"), dict):
            raise InvalidParams("alert must be an object")
        return "emit" if known else super().decide(alert, params)


run(ValidatesFirst(), "validates-first")
