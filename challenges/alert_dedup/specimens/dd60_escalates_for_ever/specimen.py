"""An update is a new value."""

from __future__ import annotations

import sys
from pathlib import Path

sys.path.insert(0, str(Path(__file__).resolve().parents[4]))

from challenges.alert_dedup.specimens._base import Alert, Params, ValkeyDedup, run

RANKS = ("low", "medium", "high", "critical")


class EscalatesForEver(ValkeyDedup):
    """Beside the window the worst severity of the fingerprint: what is worse is an update."""

    retention_ms = 6_000

    def decide(self, alert: Alert, params: Params) -> str:
        answer = super().decide(alert, params)
        rank, worst = RANKS.index(params["alert"].get("severity", "low")), f"{self.prefix}worst:{alert.fingerprint}"
        if answer == "emit":
            self.store.set(worst, rank, px=self.window_ms)
        elif answer == "suppress" and rank > int(self.store.get(worst) or 0):
            self.store.set(worst, rank)
            return "update"
        return answer


run(EscalatesForEver(), "escalates-for-ever")
