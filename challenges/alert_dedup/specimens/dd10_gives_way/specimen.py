"""After you. No, after you."""

from __future__ import annotations

import sys
from pathlib import Path

sys.path.insert(0, str(Path(__file__).resolve().parents[4]))

from challenges.alert_dedup.specimens._base import Alert, ValkeyDedup, run


class GivesWay(ValkeyDedup):
    """Announces itself, looks at who else did, and goes on only if it is alone."""

    def reserve(self, alert: Alert) -> str:
        announced = f"{self.prefix}announced:{alert.fingerprint}"
        self.store.pipeline().hset(announced, self.node, alert.event_id).pexpire(announced, self.lease_ms).execute()
        others = set(self.store.hkeys(announced)) - {self.node}
        answer = "suppress" if others else super().reserve(alert)
        self.store.hdel(announced, self.node)
        return answer


run(GivesWay(), "gives-way")
