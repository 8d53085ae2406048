"""Tables and functions of the Postgres store. Each step is one function call, so one round trip and one transaction
that begins and ends on the server: a stopped client holds no lock."""

import re
from hashlib import sha256

from reference_impl.dedup.model import CLOCK_STEP_MS

SWEEP_ROWS = 2000
"""Rows of each table that one tick deletes at most."""

_PLAIN = re.compile(r"[A-Za-z0-9_]{0,40}")
_SETUP_LOCK = 0x64656475


def name_prefix(prefix: str) -> str:
    """The run's prefix as the beginning of an identifier; another, but always the same, if it would not fit there."""
    return prefix if _PLAIN.fullmatch(prefix) else f"p{sha256(prefix.encode()).hexdigest()[:32]}_"


def setup_sql(prefix: str) -> str:
    """Creates what is missing; several processors may run it at once.

    `alerts` has a row per event that was given an alert: unconfirmed while `lease_until_ms` is set, kept for redelivery
    until `expires_ms` afterwards.
    """
    p = name_prefix(prefix)
    return f"""
do $setup$ begin
if to_regclass('"{p}alerts"') is not null then return; end if;
perform pg_advisory_xact_lock({_SETUP_LOCK}, hashtext('{p}'));
if to_regclass('"{p}alerts"') is not null then return; end if;
create table "{p}windows" (fingerprint bytea primary key, opened_ms bigint not null, rank int not null);
create index on "{p}windows" (opened_ms);
create table "{p}alerts" (event bytea primary key, alert_id text not null, owner text, lease_until_ms bigint,
                          expires_ms bigint, fingerprint bytea, event_id bytea);
create index on "{p}alerts" (lease_until_ms) where lease_until_ms is not null;
create index on "{p}alerts" (expires_ms) where expires_ms is not null;

-- In doubles, several times as fast as in numerics, and as exact: the clock's microseconds are far coarser than their error,
-- which half a microsecond more keeps on its side of a whole millisecond.
create function "{p}now_ms"() returns bigint language sql volatile as
$$ select floor(date_part('epoch', clock_timestamp()) * 1000 + 0.0005)::bigint $$;

{_reserve(p)}
{_take_over(p)}
end $setup$;
"""


def _reserve(p: str) -> str:
    return f"""
create function "{p}reserve"(a_window bytea, a_event bytea, a_alert_id text, a_owner text, a_rank int,
                             a_fingerprint bytea, a_event_id bytea, a_window_ms bigint, a_lease_ms bigint)
returns text language plpgsql as $$
declare
    v_opened bigint; v_rank int; v_now bigint;
begin
    -- The window before the alert: who sees a window opened for this very event, then sees its alert too.
    select opened_ms, rank into v_opened, v_rank from "{p}windows" where fingerprint = a_window;
    perform 1 from "{p}alerts" where event = a_event;
    if found then
        -- The same request once more, if its first answer was lost on the way.
        update "{p}alerts" set lease_until_ms = "{p}now_ms"() + a_lease_ms where event = a_event and owner = a_owner;
        return case when found then 'emit' else 'known' end;
    end if;
    v_now := "{p}now_ms"();
    if v_opened is null or v_opened + a_window_ms <= v_now then
        -- The clock is read again under the row's lock: waiting for it may have taken a while.
        insert into "{p}windows" as w values (a_window, v_now, a_rank)
            on conflict (fingerprint) do update set opened_ms = "{p}now_ms"(), rank = a_rank
            where w.opened_ms + a_window_ms <= "{p}now_ms"();
        if found then
            insert into "{p}alerts" (event, alert_id, owner, lease_until_ms, fingerprint, event_id)
                values (a_event, a_alert_id, a_owner, "{p}now_ms"() + a_lease_ms, a_fingerprint, a_event_id);
            return 'emit';
        end if;
        -- Another was first, perhaps with this very event.
        perform 1 from "{p}alerts" where event = a_event;
        if found then return 'known'; end if;
    elsif v_opened > v_now + {CLOCK_STEP_MS} then
        update "{p}windows" set opened_ms = v_now where fingerprint = a_window and opened_ms > v_now + {CLOCK_STEP_MS};
    end if;
    update "{p}windows" set rank = a_rank where fingerprint = a_window and rank < a_rank;
    return case when found then 'update' else 'suppress' end;
end $$;
"""


def _take_over(p: str) -> str:
    # Planned with its values, unlike all else: how many rows are old decides how they are found.
    # A lease that ends later than any begun now can was written before the clock was set back: taken over as well.
    return f"""
create function "{p}take_over"(a_owner text, a_most int, a_lease_ms bigint, a_window_ms bigint)
returns table (event bytea, alert_id text, fingerprint bytea, event_id bytea) language plpgsql set plan_cache_mode = auto as $$
#variable_conflict use_column
declare
    v_now bigint := "{p}now_ms"();
begin
    with old as materialized (select fingerprint from "{p}windows" where opened_ms < v_now - a_window_ms
                              limit {SWEEP_ROWS} for update skip locked)
        delete from "{p}windows" w using old where w.fingerprint = old.fingerprint;
    with old as materialized (select event from "{p}alerts" where expires_ms < v_now
                              limit {SWEEP_ROWS} for update skip locked)
        delete from "{p}alerts" a using old where a.event = old.event;
    return query
        with due as materialized (select event from "{p}alerts"
                                  where lease_until_ms <= v_now or lease_until_ms > v_now + a_lease_ms + {CLOCK_STEP_MS}
                                  order by lease_until_ms limit a_most for update skip locked)
        update "{p}alerts" a set owner = a_owner, lease_until_ms = v_now + a_lease_ms from due where a.event = due.event
        returning a.event, a.alert_id, a.fingerprint, a.event_id;
end $$;
"""


def statements(prefix: str) -> dict[bytes, str]:
    """Name -> statement, to be prepared on every connection."""
    p = name_prefix(prefix)
    return {
        # The commonest answer by far needs two reads and no function; the function gives it as well.
        b"reserve": f"""
            select case when exists (select from "{p}windows" where fingerprint = $1 and rank >= $5
                                     and "{p}now_ms"() - opened_ms between 0 and $8 - 1)
                         and not exists (select from "{p}alerts" where event = $2)
                        then 'suppress' else "{p}reserve"($1, $2, $3, $4, $5, $6, $7, $8, $9) end""",
        b"renew": f'update "{p}alerts" set lease_until_ms = "{p}now_ms"() + $3 where event = $1 and owner = $2 returning true',
        b"confirm": f'update "{p}alerts" set owner = null, lease_until_ms = null, fingerprint = null, event_id = null, '
        f'expires_ms = "{p}now_ms"() + $2 where event = any($1) and lease_until_ms is not null',
        b"take_over": f'select event, alert_id, fingerprint, event_id from "{p}take_over"($1, $2, $3, $4)',
    }
