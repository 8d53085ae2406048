"""Takes over in small steps."""

from __future__ import annotations

import sys
from pathlib import Path

sys.path.insert(0, str(Path(__file__).resolve().parents[4]))

from collections.abc import Iterator

from challenges.alert_dedup.specimens._base import NOW, Alert, ValkeyDedup, run

DUE = f"{NOW} return redis.call('ZRANGEBYSCORE', KEYS[1], '-inf', now, 'WITHSCORES')"
CLAIM = f"""{NOW}
if redis.call('ZSCORE', KEYS[1], ARGV[1]) ~= ARGV[2] then return 0 end
return redis.call('ZADD', KEYS[1], 'CH', now + ARGV[3], ARGV[1])
"""


class TakesOver(ValkeyDedup):
    """Only one of several that saw the same lease end gets the alert."""

    def take_over(self) -> Iterator[Alert]:
        due = self.script(DUE, [self.unconfirmed])
        for text, lease_end in zip(due[::2], due[1::2], strict=True):
            if self.script(CLAIM, [self.unconfirmed], text, lease_end, self.lease_ms):
                yield Alert.unpack(text)


run(TakesOver(), "takes-over")
