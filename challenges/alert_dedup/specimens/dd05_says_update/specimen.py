"""Says as much as it knows."""

from __future__ import annotations

import sys
from pathlib import Path

sys.path.insert(0, str(Path(__file__).resolve().parents[4]))

from challenges.alert_dedup.specimens._base import Alert, Params, ValkeyDedup, run

RANKS = {"low": 1, "medium": 2, "high": 3, "critical": 4}
RAISE = """
if tonumber(redis.call('GET', KEYS[1]) or 0) >= tonumber(ARGV[1]) then return 0 end
redis.call('SET', KEYS[1], ARGV[1], 'PX', ARGV[2])
return 1
"""


class SaysUpdate(ValkeyDedup):
    """Remembers how severe a fingerprint was, for a window from when it became so."""

    def decide(self, alert: Alert, params: Params) -> str:
        decision = super().decide(alert, params)
        severity = f"{self.prefix}severity:{alert.fingerprint}"
        rank = RANKS.get(str(params["alert"].get("severity")).lower(), 0)
        raised = self.script(RAISE, [severity], rank, self.window_ms)
        return "update" if raised and decision == "suppress" else decision


run(SaysUpdate(), "says-update")
