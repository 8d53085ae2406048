"""Service and fingerprint in one key."""

from __future__ import annotations

import sys
from pathlib import Path

sys.path.insert(0, str(Path(__file__).resolve().parents[4]))

from challenges.alert_dedup.specimens._base import Alert, Params, ValkeyDedup, run


class JoinsService(ValkeyDedup):
    """A colon keeps them apart."""

    service = ""

    def decide(self, alert: Alert, params: Params) -> str:
        self.service = str(params["alert"].get("service", ""))
        return super().decide(alert, params)

    def window_key(self, fingerprint: str) -> str:
        return f"{super().window_key(fingerprint)}:{self.service}"


run(JoinsService(), "joins-service")
