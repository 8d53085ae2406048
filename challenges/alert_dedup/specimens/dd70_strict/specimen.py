"""Exactly as strict as it must be."""

from __future__ import annotations

import sys
from pathlib import Path

sys.path.insert(0, str(Path(__file__).resolve().parents[4]))

from candidates.sdk.python.harness_sdk import InvalidParams
from challenges.alert_dedup.specimens._base import Alert, Params, ValkeyDedup, run


class Strict(ValkeyDedup):
    """The three fields that matter, each named when it is wrong."""

    def read(self, params: Params) -> Alert:
        for name, kind in (("fingerprint", str), ("event_id", str), ("alert", dict)):
            if name not in params:
                raise InvalidParams(f"{name} is missing")
            if not isinstance(params[name], kind):
                raise InvalidParams(f"{name} must be of type {kind.__name__}", {"got": type(params[name]).__name__})
        return super().read(params)


run(Strict(), "strict")
