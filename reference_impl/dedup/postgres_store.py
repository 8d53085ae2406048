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
# Never for longer than the client waits, or an abandoned request might yet be carried out much later.
_OPTIONS = f"-c statement_timeout={int(REQUEST_TIMEOUT_S * 1000)}"

_PASSING = ("08", "40", "53", "55", "57", "23505")
"""SQLSTATEs, or their classes, that pass: lost connections, deadlocks, too many connections, locks, shutdowns and
timeouts; and two deliveries of one event at the same instant. Their transaction was rolled back."""

Row = tuple[bytes | None, ...]
Value = bytes | str | int


class PostgresStore:
    """One connection (see `model.Store`). `url` is a libpq URI.

    Statements are prepared once and sent through libpq's own calls, which give exactly one round trip a step and a limit
    to the waiting.
    """

    def __init__(self, url: str, prefix: str, terms: Terms) -> None:
        self._terms = terms
        try:
            self._connection = psycopg.connect(url, autocommit=True, connect_timeout=CONNECT_TIMEOUT_S, options=_OPTIONS)
        except psycopg.OperationalError as error:
            raise StoreUnavailable(f"no connection to the store: {error}", maybe_done=False) from error
        self._pg = self._connection.pgconn
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
        held, terms = wanted.held, self._terms
        texts = held.fingerprint.encode(), held.event_id.encode()
        alert = (held.event_key, held.alert_id, held.owner, wanted.rank, *texts)
        rows = self._call(b"reserve", wanted.window_key, *alert, terms.window_ms, terms.lease_ms)
        return ANSWERS[rows[0][0] or b""]

    def renew(self, held: Held) -> bool:
        return bool(self._call(b"renew", held.event_key, held.owner, self._terms.lease_ms))

    def confirm(self, sent: Sequence[Held]) -> None:
        array = "{" + ",".join(f'"\\\\x{held.event_key.hex()}"' for held in sent) + "}"
        self._call(b"confirm", array, self._terms.retention_ms)

    def take_over(self, owner: str, most: int) -> list[Held]:
        rows = self._call(b"take_over", owner, most, self._terms.lease_ms, self._terms.window_ms)
        held = []
        for event, *texts in rows:
            alert_id, fingerprint, event_id = ((text or b"").decode() for text in texts)
            held.append(Held(event or b"", alert_id, fingerprint, event_id, owner))
        return held

    def close(self) -> None:
        self._connection.close()

    def _call(self, name: bytes, *values: Value) -> list[Row]:
        encoded = [value if isinstance(value, bytes) else str(value).encode() for value in values]
        formats = [pq.Format.BINARY if isinstance(value, bytes) else pq.Format.TEXT for value in values]
        try:
            self._pg.send_query_prepared(name, encoded, formats, pq.Format.BINARY)
        except psycopg.OperationalError as error:
            raise StoreUnavailable(f"the store went away: {error}", maybe_done=True) from error
        return self._collect()

    def _collect(self) -> list[Row]:
        """The rows of the query just sent."""
        rows: list[Row] = []
        failure: StoreUnavailable | StoreRefused | None = None
        give_up_s = time.monotonic() + REQUEST_TIMEOUT_S
        try:
            while self._pg.flush():
                self._wait(select.POLLIN | select.POLLOUT, give_up_s)
                self._pg.consume_input()
            while (result := self._next_result(give_up_s)) is not None:
                if result.status == pq.ExecStatus.TUPLES_OK:
                    rows += [
                        tuple(map(result.get_value, [i] * result.nfields, range(result.nfields))) for i in range(result.ntuples)
                    ]
                elif result.status != pq.ExecStatus.COMMAND_OK:
                    failure = _failure(result)
        except psycopg.OperationalError as error:
            raise StoreUnavailable(f"the store went away: {error}", maybe_done=True) from error
        if failure is not None:
            raise failure
        return rows

    def _next_result(self, give_up_s: float) -> pq.abc.PGresult | None:
        while self._pg.is_busy():
            self._wait(select.POLLIN, give_up_s)
            self._pg.consume_input()
        return self._pg.get_result()

    def _wait(self, events: int, give_up_s: float) -> None:
        poll = select.poll()
        poll.register(self._pg.socket, events)
        left_s = give_up_s - time.monotonic()
        if left_s <= 0 or not poll.poll(left_s * 1000):
            raise StoreUnavailable(f"no answer from the store within {REQUEST_TIMEOUT_S:g} s", maybe_done=True)


def _failure(result: pq.abc.PGresult) -> StoreUnavailable | StoreRefused:
    state = (result.error_field(pq.DiagnosticField.SQLSTATE) or b"").decode()
    message = (result.error_field(pq.DiagnosticField.MESSAGE_PRIMARY) or result.error_message).decode(errors="replace")
    if state.startswith(_PASSING) or not state:
        # Rolled back, unless the connection broke (no SQLSTATE) on the way back from a commit.
        return StoreUnavailable(f"the store could not do it now: {message}", maybe_done=not state)
    return StoreRefused(f"the store answered with an error ({state}): {message}")
