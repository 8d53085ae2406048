"""Asks which keys there are."""

from __future__ import annotations

import sys
from pathlib import Path

sys.path.insert(0, str(Path(__file__).resolve().parents[4]))

from challenges.alert_dedup.specimens._base import Alert, ValkeyDedup, run


class KeysPattern(ValkeyDedup):
    """A look first."""

    def reserve(self, alert: Alert) -> str:
        if self.store.keys(self.window_key(alert.fingerprint)) and not self.store.exists(self.event_key(alert.event_id)):
            return "suppress"
        return super().reserve(alert)


run(KeysPattern(), "keys-pattern")
