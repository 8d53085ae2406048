"""Whoever takes it has it."""

from __future__ import annotations

import sys
from pathlib import Path

sys.path.insert(0, str(Path(__file__).resolve().parents[4]))

from collections.abc import Iterable

from challenges.alert_dedup.specimens._base import NOW, Alert, ValkeyDedup, run

TAKE = f"""{NOW}
local due = redis.call('ZRANGEBYSCORE', KEYS[1], '-inf', now)
for _, alert in ipairs(due) do redis.call('ZREM', KEYS[1], alert) end
return due
"""


class ClaimsByTaking(ValkeyDedup):
    """Two cannot take the same."""

    def take_over(self) -> Iterable[Alert]:
        return [Alert.unpack(text) for text in self.script(TAKE, [self.unconfirmed])]


run(ClaimsByTaking(), "claims-by-taking")
