"""A lock that is shared."""

from __future__ import annotations

import sys
from pathlib import Path

sys.path.insert(0, str(Path(__file__).resolve().parents[4]))

from challenges.alert_dedup.specimens._base import SETUP, Alert, PostgresDedup, key, run

# Right under any lock that two of one fingerprint share.
LOOK_AND_WRITE = """
create or replace function "{p}look_and_write"(a_fingerprint text, a_event text, a_alert text, a_window int, a_lease int)
returns text language plpgsql as $$
begin
    if exists (select from "{p}alerts" where event = a_event) then return 'known'; end if;
    if exists (select from "{p}windows" where fingerprint = a_fingerprint and opened_ms + a_window > "{p}now_ms"()) then
        return 'suppress';
    end if;
    insert into "{p}windows" values (a_fingerprint, "{p}now_ms"())
        on conflict (fingerprint) do update set opened_ms = excluded.opened_ms;
    insert into "{p}alerts" values (a_event, a_alert, "{p}now_ms"(), "{p}now_ms"() + a_lease);
    return 'emit';
end $$;
"""


class LocksByDigest(PostgresDedup):
    """The first 8 bytes of the digest, as the store counts."""

    def setup(self) -> str:
        return SETUP + LOOK_AND_WRITE

    def reserve(self, alert: Alert) -> str:
        fingerprint = key(alert.fingerprint)
        lock = int(fingerprint[:16], 16) - (1 << 63)
        values = (lock, fingerprint, key(alert.event_id), alert.pack(), self.window_ms, self.lease_ms)
        locked = "with lock as materialized (select pg_advisory_xact_lock(%s) as taken) "
        return str(self.ask(locked + 'select "{p}look_and_write"(%s, %s, %s, %s, %s) from lock', *values)[0])


run(LocksByDigest(), "locks-by-digest")
