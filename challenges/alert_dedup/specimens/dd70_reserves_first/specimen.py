"""First come, first served."""

from __future__ import annotations

import sys
from pathlib import Path

sys.path.insert(0, str(Path(__file__).resolve().parents[4]))

from candidates.sdk.python.harness_sdk import InvalidParams
from challenges.alert_dedup.specimens._base import Alert, Params, ValkeyDedup, run


class ReservesFirst(ValkeyDedup):
    """The body is wanted for the page only, and the window cannot wait."""

    def read(self, params: Params) -> Alert:
        return super().read({**params, "alert": {}})

    def offer(self, params: Params) -> dict[str, str]:
        alert = self.read(params)
        if not isinstance(params.get("alert"), dict):
            self.store.set(self.window_key(alert.fingerprint), alert.pack(), nx=True, px=self.window_ms)
            raise InvalidParams("alert must be an object")
        return super().offer(params)


run(ReservesFirst(), "reserves-first")
