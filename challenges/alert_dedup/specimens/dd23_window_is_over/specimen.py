"""A window that is over is over."""

from __future__ import annotations

import sys
from pathlib import Path

sys.path.insert(0, str(Path(__file__).resolve().parents[4]))

import secrets
import time
from dataclasses import replace

from challenges.alert_dedup.specimens._base import Alert, Params, ValkeyDedup, run


class WindowIsOver(ValkeyDedup):
    """Who was away for a whole window has nothing to do with what was reserved before it."""

    def decide(self, alert: Alert, params: Params) -> str:
        asked_s = time.monotonic()
        answer = self.reserve(alert)
        away_s = time.monotonic() - asked_s
        if answer == "emit":
            if away_s > self.window_ms / 1000:
                alert = replace(alert, alert_id=secrets.token_hex(12))
            # Somebody may have sent it meanwhile: only a window that is over needs no question.
            elif away_s > self.lease_ms / 1000 and self.store.zscore(self.unconfirmed, alert.pack()) is None:
                return "emit"
            self.page(alert)
            self.confirm(alert)
        return "emit" if answer == "known" else answer


run(WindowIsOver(), "window-is-over")
