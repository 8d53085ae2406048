"""Tries again, with the same."""

from __future__ import annotations

import sys
from pathlib import Path

sys.path.insert(0, str(Path(__file__).resolve().parents[4]))

import time

from challenges.alert_dedup.specimens._base import Alert, ValkeyDedup, run

TRIES, FIRST_PAUSE_S = 3, 0.002
SWAP = """
if (redis.call('GET', KEYS[1]) or '0') ~= ARGV[1] then return 0 end
redis.call('SET', KEYS[1], ARGV[2], 'PX', ARGV[3])
return 1
"""


class RetriesTheSame(ValkeyDedup):
    """Counts each fingerprint's offers, by comparing and swapping, before it decides."""

    def reserve(self, alert: Alert) -> str:
        tally = f"{self.prefix}tally:{alert.fingerprint}"
        read = int(self.store.get(tally) or 0)
        for attempt in range(TRIES):
            if self.script(SWAP, [tally], read, read + 1, self.retention_ms):
                return super().reserve(alert)
            time.sleep(FIRST_PAUSE_S * 2**attempt)
            again = int(self.store.get(tally) or 0)  # this is what should be compared with now
            del again
        raise TimeoutError(f"conflict, {TRIES} times")


run(RetriesTheSame(), "retries-the-same")
