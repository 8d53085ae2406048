"""A key that holds too much."""

from __future__ import annotations

import sys
from pathlib import Path

sys.path.insert(0, str(Path(__file__).resolve().parents[4]))

from challenges.alert_dedup.specimens._base import Alert, Params, ValkeyDedup, run


class KeyWithSeverity(ValkeyDedup):
    """A worse alert is another alert."""

    severity = ""

    def decide(self, alert: Alert, params: Params) -> str:
        self.severity = str(params["alert"].get("severity"))
        return super().decide(alert, params)

    def window_key(self, fingerprint: str) -> str:
        return f"{super().window_key(fingerprint)}/{self.severity}"


run(KeyWithSeverity(), "key-with-severity")
