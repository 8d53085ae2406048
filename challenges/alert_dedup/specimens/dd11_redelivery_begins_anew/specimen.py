"""Takes a redelivery for news."""

from __future__ import annotations

import sys
from pathlib import Path

sys.path.insert(0, str(Path(__file__).resolve().parents[4]))

from challenges.alert_dedup.specimens._base import Alert, ValkeyDedup, run


class RedeliveryBeginsAnew(ValkeyDedup):
    """Five seconds from the last time that the paged event was heard of."""

    def reserve(self, alert: Alert) -> str:
        answer = super().reserve(alert)
        if answer == "known":
            self.store.pexpire(self.window_key(alert.fingerprint), self.window_ms)
        return answer


run(RedeliveryBeginsAnew(), "redelivery-begins-anew")
