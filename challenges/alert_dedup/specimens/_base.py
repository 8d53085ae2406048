"""The plain good deduplicators, one over Valkey and one over Postgres, from which the specimens differ by one small change.

An offer reserves the alert in the store (one atomic request), emits it, and confirms it (one more). Who finds on a tick that a
reservation's lease ran out unconfirmed takes it over and emits it under the same id. All time is the store's.
"""

from __future__ import annotations

import json
from collections.abc import Iterable
from dataclasses import dataclass
from hashlib import sha256
from typing import Any, ClassVar

import psycopg
import redis
from redis.backoff import NoBackoff
from redis.retry import Retry

from candidates.sdk.python.harness_sdk import InvalidParams, emit, serve

Params = dict[str, Any]


@dataclass(frozen=True, slots=True)
class Alert:
    """What goes out, and what another processor needs to send it."""

    alert_id: str
    fingerprint: str
    event_id: str

    def pack(self) -> str:
        """As text for the store; equal alerts, equal texts."""
        return json.dumps([self.alert_id, self.fingerprint, self.event_id])

    @classmethod
    def unpack(cls, text: str | bytes) -> Alert:
        """The alert in such a text."""
        return cls(*json.loads(text))


class Dedup:
    """Handlers of the protocol, and the rules. A kind of store defines `connect`, `reserve`, `confirm` and `take_over`."""

    lease_ms = 2_000
    retention_ms = 60_000
    capabilities: ClassVar[tuple[str, ...]] = ()

    # -- the protocol ----------------------------------------------------------------------------------------

    def initialize(self, params: Params) -> None:
        store = params.get("store")
        if not isinstance(store, dict):
            raise InvalidParams("a store is needed: an object with kind, url and prefix")
        self.window_ms: int = params["config"]["window_ms"]
        self.node: str = params["node"]["id"]
        self.prefix: str = store["prefix"]
        self.connect(store["url"])

    def offer(self, params: Params) -> dict[str, str]:
        return {"decision": self.decide(self.read(params), params)}

    def tick(self, params: Params) -> None:
        for alert in self.take_over():
            self.page(alert)
            self.confirm(alert)

    def reset(self, params: Params) -> None:
        """Nothing is kept in the process."""

    # -- one event -------------------------------------------------------------------------------------------

    def read(self, params: Params) -> Alert:
        """The alert that the event will have if it is to have one. Raises InvalidParams for a malformed offer."""
        fingerprint, event_id = self.text(params, "fingerprint"), self.text(params, "event_id")
        if not isinstance(params.get("alert"), dict):
            raise InvalidParams("alert must be an object")
        return Alert(self.new_id(fingerprint, event_id), fingerprint, event_id)

    def text(self, params: Params, name: str) -> str:
        value = params.get(name)
        if not isinstance(value, str) or not value or "\0" in value or any("\ud800" <= c <= "\udfff" for c in value):
            raise InvalidParams(f"{name} must be a text that is not empty, without NUL and lone surrogates")
        return value

    def new_id(self, fingerprint: str, event_id: str) -> str:
        return sha256(json.dumps([fingerprint, event_id]).encode()).hexdigest()[:24]

    def decide(self, alert: Alert, params: Params) -> str:
        answer = self.reserve(alert)
        if answer == "emit":
            self.page(alert)
            self.confirm(alert)
        return "emit" if answer == "known" else answer

    def page(self, alert: Alert) -> None:
        emit({"alert_id": alert.alert_id, "fingerprint": alert.fingerprint, "event_id": alert.event_id})

    # -- the store -------------------------------------------------------------------------------------------

    def connect(self, url: str) -> None:
        raise NotImplementedError

    def reserve(self, alert: Alert) -> str:
        """`emit`: reserved for us; `known`: the event has its alert already; `suppress`: another event's window is open."""
        raise NotImplementedError

    def confirm(self, alert: Alert) -> None:
        """It went out: nobody needs to send it again."""
        raise NotImplementedError

    def take_over(self) -> Iterable[Alert]:
        """The alerts whose lease ran out, from now on ours."""
        raise NotImplementedError


def run(dedup: Dedup, name: str, workers: int = 8) -> None:
    """Serves the deduplicator under that name; `workers` threads, if it declares `pipelining`."""
    declared = {"lease_ms": dedup.lease_ms, "retention_ms": dedup.retention_ms}
    serve(dedup, name=name, declared=declared, capabilities=dedup.capabilities, workers=workers)


# --- Valkey -----------------------------------------------------------------------------------------------

NOW = "local t = redis.call('TIME') local now = t[1] * 1000 + math.floor(t[2] / 1000) "

RESERVE = f"""{NOW}
if redis.call('EXISTS', KEYS[2]) == 1 then return 'known' end
if not redis.call('SET', KEYS[1], ARGV[1], 'NX', 'PX', ARGV[2]) then return 'suppress' end
redis.call('SET', KEYS[2], ARGV[1], 'PX', ARGV[3])
redis.call('ZADD', KEYS[3], now + ARGV[4], ARGV[1])
return 'emit'
"""

TAKE_OVER = f"""{NOW}
local due = redis.call('ZRANGEBYSCORE', KEYS[1], '-inf', now)
for _, alert in ipairs(due) do redis.call('ZADD', KEYS[1], now + ARGV[1], alert) end
return due
"""


# The driver asks again by itself where an answer is lost; with this it says so instead.
NO_RETRY = {"retry": Retry(NoBackoff(), 0)}


class ValkeyDedup(Dedup):
    """A key per window and per event, each with its expiry, and a sorted set of what is unconfirmed by the end of its lease."""

    store: Any
    options: ClassVar[dict[str, Any]] = {}

    def connect(self, url: str) -> None:
        self.store = redis.Redis.from_url(url, protocol=2, decode_responses=True, **self.options)
        self.store.ping()

    def window_key(self, fingerprint: str) -> str:
        return f"{self.prefix}window:{fingerprint}"

    def event_key(self, event_id: str) -> str:
        return f"{self.prefix}event:{event_id}"

    @property
    def unconfirmed(self) -> str:
        return f"{self.prefix}unconfirmed"

    def script(self, text: str, keys: list[str], *values: str | int) -> Any:
        return self.store.eval(text, len(keys), *keys, *values)

    def reserve(self, alert: Alert) -> str:
        keys = [self.window_key(alert.fingerprint), self.event_key(alert.event_id), self.unconfirmed]
        return str(self.script(RESERVE, keys, alert.pack(), self.window_ms, self.retention_ms, self.lease_ms))

    def confirm(self, alert: Alert) -> None:
        self.store.zrem(self.unconfirmed, alert.pack())

    def take_over(self) -> Iterable[Alert]:
        return [Alert.unpack(text) for text in self.script(TAKE_OVER, [self.unconfirmed], self.lease_ms)]


# --- Postgres ---------------------------------------------------------------------------------------------

# {p} is the run's prefix. Texts are keyed by a hash, since an index entry may not be as long as a fingerprint.
SETUP = """
select pg_advisory_xact_lock(hashtextextended('{p}', 0));
create table if not exists "{p}windows" (fingerprint text primary key, opened_ms bigint not null);
create table if not exists "{p}alerts" (
    event text primary key, alert text not null, made_ms bigint not null, lease_until_ms bigint);

create or replace function "{p}now_ms"() returns bigint language sql volatile as
$$ select floor(extract(epoch from clock_timestamp()) * 1000)::bigint $$;

create or replace function "{p}reserve"(a_fingerprint text, a_event text, a_alert text, a_window int, a_lease int)
returns text language plpgsql as $$
begin
    perform pg_advisory_xact_lock(hashtextextended(a_fingerprint, 0));
    if exists (select from "{p}alerts" where event = a_event) then return 'known'; end if;
    insert into "{p}windows" as w values (a_fingerprint, "{p}now_ms"())
        on conflict (fingerprint) do update set opened_ms = "{p}now_ms"() where w.opened_ms + a_window <= "{p}now_ms"();
    if not found then return 'suppress'; end if;
    insert into "{p}alerts" values (a_event, a_alert, "{p}now_ms"(), "{p}now_ms"() + a_lease);
    return 'emit';
end $$;

create or replace function "{p}take_over"(a_window int, a_lease int, a_retention int)
returns setof text language sql volatile as $$
    delete from "{p}windows" where fingerprint in (
        select fingerprint from "{p}windows" where opened_ms + a_window < "{p}now_ms"() for update skip locked);
    delete from "{p}alerts" where event in (
        select event from "{p}alerts" where lease_until_ms is null and made_ms + a_retention < "{p}now_ms"()
        for update skip locked);
    update "{p}alerts" set lease_until_ms = "{p}now_ms"() + a_lease where event in (
        select event from "{p}alerts" where lease_until_ms <= "{p}now_ms"() for update skip locked)
    returning alert;
$$;
"""


def key(text: str) -> str:
    """A text of any length as the key of a row."""
    return sha256(text.encode()).hexdigest()


class PostgresDedup(Dedup):
    """A row per fingerprint, a row per alert. Each step is one statement, so a stopped processor holds no lock."""

    connection: psycopg.Connection[Any]

    def connect(self, url: str) -> None:
        self.url = url
        # Statements are not prepared after a while, which would cost a request of its own.
        self.connection = psycopg.connect(url, autocommit=True, prepare_threshold=None)
        self.connection.execute(self.sql(self.setup()))

    def setup(self) -> str:
        return SETUP

    def sql(self, text: str) -> bytes:
        return text.replace("{p}", self.prefix).encode()

    def ask(self, text: str, *values: str | int) -> list[Any]:
        """The rows of one statement, first column only; {p} in it is the prefix."""
        if self.connection.closed:
            self.connect(self.url)
        cursor = self.connection.execute(self.sql(text), values)
        return [row[0] for row in cursor.fetchall()] if cursor.description else []

    def reserve(self, alert: Alert) -> str:
        values = (key(alert.fingerprint), key(alert.event_id), alert.pack(), self.window_ms, self.lease_ms)
        return str(self.ask('select "{p}reserve"(%s, %s, %s, %s, %s)', *values)[0])

    def confirm(self, alert: Alert) -> None:
        self.ask('update "{p}alerts" set lease_until_ms = null where event = %s', key(alert.event_id))

    def take_over(self) -> Iterable[Alert]:
        rows = self.ask('select "{p}take_over"(%s, %s, %s)', self.window_ms, self.lease_ms, self.retention_ms)
        return [Alert.unpack(text) for text in rows]
