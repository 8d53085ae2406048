"""No more than a column holds."""

from __future__ import annotations

import sys
from pathlib import Path

sys.path.insert(0, str(Path(__file__).resolve().parents[4]))

from candidates.sdk.python.harness_sdk import InvalidParams
from challenges.alert_dedup.specimens._base import Alert, Params, ValkeyDedup, run

MOST = 255


class RefusesLong(ValkeyDedup):
    """Names are shorter than that."""

    def read(self, params: Params) -> Alert:
        alert = super().read(params)
        if len(alert.fingerprint) > MOST:
            raise InvalidParams(f"a fingerprint has at most {MOST} characters")
        return alert


run(RefusesLong(), "refuses-long")
