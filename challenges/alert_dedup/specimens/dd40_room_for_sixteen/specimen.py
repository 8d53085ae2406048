"""Room for sixteen."""

from __future__ import annotations

import sys
from pathlib import Path

sys.path.insert(0, str(Path(__file__).resolve().parents[4]))

from challenges.alert_dedup.specimens._base import Alert, ValkeyDedup, run

ROOM = 16


class RoomForSixteen(ValkeyDedup):
    """The oldest makes room."""

    def reserve(self, alert: Alert) -> str:
        answer = super().reserve(alert)
        if answer == "emit":
            latest = f"{self.prefix}latest"
            self.store.lpush(latest, self.window_key(alert.fingerprint))
            for oldest in self.store.rpop(latest, max(self.store.llen(latest) - ROOM, 0)) or ():
                self.store.delete(oldest)
        return answer


run(RoomForSixteen(), "room-for-sixteen")
