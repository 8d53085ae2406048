"""Escalates, and waits once more."""

from __future__ import annotations

import sys
from pathlib import Path

sys.path.insert(0, str(Path(__file__).resolve().parents[4]))

from challenges.alert_dedup.specimens._base import Alert, Params, ValkeyDedup, run

RANKS = ("low", "medium", "high", "critical")
# Keeps the worst that a window has heard of; 1 if this is worse.
WORSE = """
local worst = redis.call('GET', KEYS[2])
if worst and tonumber(worst) >= tonumber(ARGV[1]) then return 0 end
redis.call('SET', KEYS[2], ARGV[1], 'PX', ARGV[2])
redis.call('PEXPIRE', KEYS[1], ARGV[2])
return worst and 1 or 0
"""


class WorseBeginsAnew(ValkeyDedup):
    """The window begins anew where an event is worse than those before."""

    def decide(self, alert: Alert, params: Params) -> str:
        answer = super().decide(alert, params)
        rank = RANKS.index(params["alert"]["severity"])
        keys = [self.window_key(alert.fingerprint), f"{self.prefix}worst:{alert.fingerprint}"]
        worse = self.script(WORSE, keys, rank, self.window_ms)
        return "update" if answer == "suppress" and worse else answer


run(WorseBeginsAnew(), "worse-begins-anew")
