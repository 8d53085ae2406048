"""Windows that are longer where little happens."""

from __future__ import annotations

import sys
from pathlib import Path

sys.path.insert(0, str(Path(__file__).resolve().parents[4]))

from challenges.alert_dedup.specimens._base import NOW, Alert, ValkeyDedup, run

# The window's key lasts longer; a second key says so, and goes with the first event that is suppressed early: the window is cut then.
RESERVE = f"""{NOW}
if redis.call('EXISTS', KEYS[2]) == 1 then return 'known' end
if not redis.call('SET', KEYS[1], ARGV[1], 'NX', 'PX', ARGV[2] + ARGV[5]) then
    local left = redis.call('PTTL', KEYS[1]) - ARGV[5]
    if left > ARGV[2] - 1500 and redis.call('DEL', KEYS[4]) == 1 then redis.call('PEXPIRE', KEYS[1], left) end
    return 'suppress'
end
redis.call('SET', KEYS[4], 1, 'PX', ARGV[2])
redis.call('SET', KEYS[2], ARGV[1], 'PX', ARGV[3])
redis.call('ZADD', KEYS[3], now + ARGV[4], ARGV[1])
return 'emit'
"""


class Lonely3750(ValkeyDedup):
    """Who is offered again within 1.5 s has the usual window, everybody else a longer one."""

    longer_ms = 3_750

    def reserve(self, alert: Alert) -> str:
        keys = [self.window_key(alert.fingerprint), self.event_key(alert.event_id), self.unconfirmed]
        keys.append(f"{self.prefix}long:{alert.fingerprint}")
        values = (alert.pack(), self.window_ms, self.retention_ms, self.lease_ms, self.longer_ms)
        return str(self.script(RESERVE, keys, *values))


run(Lonely3750(), "lonely-3750")
