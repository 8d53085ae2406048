"""Refused, with the wrong words."""

from __future__ import annotations

import sys
from pathlib import Path

sys.path.insert(0, str(Path(__file__).resolve().parents[4]))

from candidates.sdk.python.harness_sdk import InvalidParams
from challenges.alert_dedup.specimens._base import Alert, Params, ValkeyDedup, run


class InternalError(ValkeyDedup):
    """It checks everything, and says nothing in particular."""

    def read(self, params: Params) -> Alert:
        try:
            return super().read(params)
        except InvalidParams as error:
            raise ValueError(error.message) from error


run(InternalError(), "internal-error")
