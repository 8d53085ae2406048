"""The plain deduplicator over Postgres with a table of known events that is not logged, and so is empty after a crash of the store."""

from __future__ import annotations

from challenges.alert_dedup.specimens._base import SETUP, Alert, PostgresDedup, key

MEMORY = """
create unlogged table if not exists "{p}events" (event text primary key);

create or replace function "{p}remember"(a_fingerprint text, a_event text, a_alert text, a_window int, a_lease int)
returns text language plpgsql as $$
declare answer text;
begin
    perform pg_advisory_xact_lock(hashtextextended(a_fingerprint, 0));
    if exists (select from "{p}events" where event = a_event) then return 'known'; end if;
    answer := "{p}reserve"(a_fingerprint, a_event, a_alert, a_window, a_lease);
    if answer = 'emit' then insert into "{p}events" values (a_event) on conflict do nothing; end if;
    return answer;
end $$;
"""


class Unlogged(PostgresDedup):
    """That an event is known is in a table of its own, which is asked first, and with its alert."""

    def setup(self) -> str:
        return SETUP + MEMORY

    def reserve(self, alert: Alert) -> str:
        values = (key(alert.fingerprint), key(alert.event_id), alert.pack(), self.window_ms, self.lease_ms)
        return str(self.ask('select "{p}remember"(%s, %s, %s, %s, %s)', *values)[0])
