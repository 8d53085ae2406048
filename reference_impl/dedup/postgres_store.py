"""The store on Postgres: a row per fingerprint, a row per alert, the server's clock."""

import select
import time
from collections.abc import Sequence

import psycopg
from psycopg import pq

from reference_impl.dedup.model import (
    ANSWERS,
    Answer,
    Held,
    Reservation,
    StoreRefused,
    StoreUnavailable,
    Terms,
)
from reference_impl.dedup.postgres_schema import setup_sql, statements

REQUEST_TIMEOUT_S = 1.0
CONNECT_TIMEOUT_S = 2
"""The least that libpq takes."""
# A statement never runs for longer than the client waits, or an abandoned request might yet be carried out much later. And
# each is planned once, for an array of keys takes longer to plan than to look up; never as a scan of a table that was small then.
OPTIONS = f"-c statement_timeout={int(REQUEST_TIMEOUT_S * 1000)} -c plan_cache_mode=force_generic_plan -c enable_seqscan=off"

_PASSING = ("08", "40", "53", "55", "57", "23505")
"""SQLSTATEs, or their classes, that pass: lost connections, deadlocks, too many connections, locks, shutdowns and
timeouts; and two deliveries of one event at the same instant. Their transaction was rolled back."""

_DONE = (pq.ExecStatus.TUPLES_OK, pq.ExecStatus.COMMAND_OK)
_TEXT, _BINARY = pq.Format.TEXT, pq.Format.BINARY
_RESERVE_FORMATS = (_BINARY, _BINARY, _TEXT, _TEXT, _TEXT, _BINARY, _BINARY, _TEXT, _TEXT)
_RENEW_FORMATS = (_BINARY, _TEXT, _TEXT)
_CONFIRM_FORMATS = (_TEXT, _TEXT)
_TAKE_OVER_FORMATS = (_TEXT, _TEXT, _TEXT, _TEXT)


class PostgresStore:
    """One connection (see `model.Store`). `url` is a libpq URI.

    Statements are prepared once and sent through libpq's own calls, which give exactly one round trip a step and a limit
    to the waiting.
    """

    def __init__(self, url: str, prefix: str, terms: Terms) -> None:
        self._window_ms, self._lease_ms, self._retention_ms = (
            _number(ms) for ms in (terms.window_ms, terms.lease_ms, terms.retention_ms)
        )
        try:
            self._connection = psycopg.connect(url, autocommit=True, connect_timeout=CONNECT_TIMEOUT_S, options=OPTIONS)
        except psycopg.OperationalError as error:
            raise StoreUnavailable(f"no connection to the store: {error}", maybe_done=False) from error
        self._pg = self._connection.pgconn
        self._readable = self._poll(select.POLLIN)  # made once: it is waited on at every step
        try:
            self._set_up(prefix)
        except (StoreUnavailable, StoreRefused) as error:
            self.close()
            raise StoreUnavailable(f"the store could not be set up: {error}", maybe_done=False) from error

    def _set_up(self, prefix: str) -> None:
        self._pg.send_query(setup_sql(prefix).encode())
        self._collect()
        for name, sql in statements(prefix).items():
            self._pg.send_prepare(name, sql.encode())
            self._collect()

    def reserve(self, wanted: Reservation) -> Answer:
        held = wanted.held
        values = (
            wanted.window_key,
            held.event_key,
            held.alert_id.encode(),
            held.owner.encode(),
            _number(wanted.rank),
            held.fingerprint.encode(),
            held.event_id.encode(),
            self._window_ms,
            self._lease_ms,
        )
        return ANSWERS[self._call(b"reserve", values, _RESERVE_FORMATS).get_value(0, 0) or b""]

    def renew(self, held: Held) -> bool:
        values = (held.event_key, held.owner.encode(), self._lease_ms)
        return bool(self._call(b"renew", values, _RENEW_FORMATS).ntuples)

    def confirm(self, sent: Sequence[Held]) -> None:
        array = "{" + ",".join(f'"\\\\x{held.event_key.hex()}"' for held in sent) + "}"
        self._call(b"confirm", (array.encode(), self._retention_ms), _CONFIRM_FORMATS)

    def take_over(self, owner: str, most: int) -> list[Held]:
        values = (owner.encode(), _number(most), self._lease_ms, self._window_ms)
        result = self._call(b"take_over", values, _TAKE_OVER_FORMATS)
        held = []
        for row in range(result.ntuples):
            event, *texts = (result.get_value(row, column) or b"" for column in range(result.nfields))
            alert_id, fingerprint, event_id = (text.decode() for text in texts)
            held.append(Held(event, alert_id, fingerprint, event_id, owner))
        return held

    def close(self) -> None:
        self._connection.close()

    def _call(self, name: bytes, values: Sequence[bytes], formats: Sequence[pq.Format]) -> pq.abc.PGresult:
        try:
            self._pg.send_query_prepared(name, values, formats, _BINARY)
        except psycopg.OperationalError as error:
            raise StoreUnavailable(f"the store went away: {error}", maybe_done=True) from error
        return self._collect()

    def _collect(self) -> pq.abc.PGresult:
        """The result of the statement just sent."""
        give_up_s = time.monotonic() + REQUEST_TIMEOUT_S
        last = None
        try:
            while self._pg.flush():
                self._wait(self._poll(select.POLLIN | select.POLLOUT), give_up_s)
                self._pg.consume_input()
            while (result := self._next_result(give_up_s)) is not None:
                last = result
        except psycopg.OperationalError as error:
            raise StoreUnavailable(f"the store went away: {error}", maybe_done=True) from error
        if last is None:
            raise StoreUnavailable("the store gave no answer", maybe_done=True)
        if last.status not in _DONE:
            raise _failure(last)
        return last

    def _next_result(self, give_up_s: float) -> pq.abc.PGresult | None:
        while self._pg.is_busy():
            self._wait(self._readable, give_up_s)
            self._pg.consume_input()
        return self._pg.get_result()

    def _poll(self, events: int) -> select.poll:
        poll = select.poll()
        poll.register(self._pg.socket, events)
        return poll

    def _wait(self, poll: select.poll, give_up_s: float) -> None:
        left_s = give_up_s - time.monotonic()
        if left_s <= 0 or not poll.poll(left_s * 1000):
            raise StoreUnavailable(f"no answer from the store within {REQUEST_TIMEOUT_S:g} s", maybe_done=True)


def _number(value: int) -> bytes:
    return b"%d" % value


def _failure(result: pq.abc.PGresult) -> StoreUnavailable | StoreRefused:
    state = (result.error_field(pq.DiagnosticField.SQLSTATE) or b"").decode()
    message = (result.error_field(pq.DiagnosticField.MESSAGE_PRIMARY) or result.error_message).decode(errors="replace")
    if state.startswith(_PASSING) or not state:
        # Rolled back, unless the connection broke (no SQLSTATE) on the way back from a commit.
        return StoreUnavailable(f"the store could not do it now: {message}", maybe_done=not state)
    return StoreRefused(f"the store answered with an error ({state}): {message}")
