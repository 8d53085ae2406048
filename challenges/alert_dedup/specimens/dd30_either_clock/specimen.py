"""Believes whichever clock says that the window is open."""

from __future__ import annotations

import sys
from pathlib import Path

sys.path.insert(0, str(Path(__file__).resolve().parents[4]))

from challenges.alert_dedup.specimens._base import Alert, run
from challenges.alert_dedup.specimens._own_clock import OwnClock


class EitherClock(OwnClock):
    """The key expires by the store's clock, what is in it is read by one's own."""

    def reserve(self, alert: Alert) -> str:
        open_key = f"{self.prefix}open:{alert.fingerprint}"
        if self.store.exists(open_key):
            return "known" if self.store.exists(self.event_key(alert.event_id)) else "suppress"
        answer = super().reserve(alert)
        if answer == "emit":
            self.store.set(open_key, alert.event_id, px=self.window_ms)
        return answer


run(EitherClock(), "either-clock")
