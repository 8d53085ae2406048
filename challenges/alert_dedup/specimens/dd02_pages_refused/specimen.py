"""Validates late."""

from __future__ import annotations

import sys
from pathlib import Path

sys.path.insert(0, str(Path(__file__).resolve().parents[4]))

from candidates.sdk.python.harness_sdk import InvalidParams
from challenges.alert_dedup.specimens._base import Alert, Params, ValkeyDedup, run


class PagesRefused(ValkeyDedup):
    """The body matters only to the answer, so it is looked at when that is made."""

    def read(self, params: Params) -> Alert:
        return super().read({**params, "alert": {}})

    def decide(self, alert: Alert, params: Params) -> str:
        decision = super().decide(alert, params)
        if not isinstance(params.get("alert"), dict):
            raise InvalidParams("alert must be an object")
        return decision


run(PagesRefused(), "pages-refused")
