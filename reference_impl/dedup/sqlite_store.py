"""The store in a SQLite file that several processes share: a row per fingerprint, a row per alert, and the clock (`file_clock`).

Every step that may change something is one transaction that takes the write lock as it begins. A step that began by reading would
find, when it came to write, that what it had read was not so any more. A process that dies in one has done nothing of it.
"""

import contextlib
import sqlite3
import time
from collections.abc import Callable, Iterator, Sequence
from typing import Any, TypeVar

from reference_impl.dedup.file_clock import FileClock, Written
from reference_impl.dedup.model import (
    Answer,
    Held,
    Reservation,
    StoreRefused,
    StoreUnavailable,
    Terms,
)
from reference_impl.dedup.postgres_schema import name_prefix

T = TypeVar("T")

URL_START = "sqlite:///"
BUSY_TIMEOUT_S = 1.0
SET_UP_BUDGET_S = 2.0
SET_UP_PAUSE_S = 0.01
SWEEP_ROWS = 2000
"""Rows of each table that one tick deletes at most."""

_process_clock = FileClock()
"""Of this process: the more often it looks, the better it knows how much time has passed."""

_SET_UP = """
create table if not exists "{p}clock" (one integer primary key check (one = 1), now_ms real not null, monotonic_ms real not null,
                                       boot text not null);
create table if not exists "{p}windows" (fingerprint blob primary key, opened_ms real not null, rank integer not null) without rowid;
create index if not exists "{p}windows_opened" on "{p}windows" (opened_ms);
create table if not exists "{p}alerts" (event blob primary key, alert_id text not null, owner text, lease_until_ms real,
                                        expires_ms real, fingerprint blob, event_id blob) without rowid;
create index if not exists "{p}alerts_lease" on "{p}alerts" (lease_until_ms) where lease_until_ms is not null;
create index if not exists "{p}alerts_expires" on "{p}alerts" (expires_ms) where expires_ms is not null;
"""


class SqliteStore:
    """One connection (see `model.Store`). `url` is `sqlite:///` and the absolute path of the file."""

    def __init__(self, url: str, prefix: str, terms: Terms, clock: FileClock = _process_clock) -> None:
        self._terms, self._clock = terms, clock
        self._p = name_prefix(prefix)
        if not url.startswith(URL_START):
            raise StoreUnavailable(f"the store's URL must be {URL_START} and the path of a file", maybe_done=False)
        try:
            self._db = sqlite3.connect(
                url.removeprefix(URL_START), timeout=BUSY_TIMEOUT_S, isolation_level=None, check_same_thread=False
            )
        except sqlite3.Error as error:
            raise StoreUnavailable(f"the file of the store cannot be opened: {error}", maybe_done=False) from error
        try:
            self._set_up()
        except sqlite3.Error as error:
            self.close()
            raise StoreUnavailable(f"the store could not be set up: {error}", maybe_done=False) from error

    def _set_up(self) -> None:
        give_up_s = time.monotonic() + SET_UP_BUDGET_S
        while True:
            try:
                # Several processors may begin at once, and for the change of the journal nobody waits by himself.
                self._db.execute("pragma journal_mode = wal").fetchone()
                break
            except sqlite3.OperationalError:
                if time.monotonic() > give_up_s:
                    raise
                time.sleep(SET_UP_PAUSE_S)
        self._db.execute("pragma synchronous = full")
        if not self._row("select 1 from sqlite_master where name = ?", f"{self._p}alerts_expires"):
            self._db.executescript(f"begin immediate; {_SET_UP.replace('{p}', self._p)} commit;")

    def reserve(self, wanted: Reservation) -> Answer:
        return self._write(lambda now_ms: self._reserve(wanted, now_ms))

    def _reserve(self, wanted: Reservation, now_ms: float) -> Answer:
        held = wanted.held
        if known := self._row('select owner from "{p}alerts" where event = ?', held.event_key):
            if known[0] != held.owner:
                return "known"
            # The same request once more: its first answer was lost.
            self._lease(held.event_key, held.owner, now_ms)
            return "emit"
        window = self._row('select opened_ms, rank from "{p}windows" where fingerprint = ?', wanted.window_key)
        if window and now_ms < window[0] + self._terms.window_ms:
            if wanted.rank <= window[1]:
                return "suppress"
            self._do('update "{p}windows" set rank = ? where fingerprint = ?', wanted.rank, wanted.window_key)
            return "update"
        self._do('insert or replace into "{p}windows" values (?, ?, ?)', wanted.window_key, now_ms, wanted.rank)
        self._do(
            'insert into "{p}alerts" values (?, ?, ?, ?, null, ?, ?)',
            held.event_key,
            held.alert_id,
            held.owner,
            now_ms + self._terms.lease_ms,
            held.fingerprint.encode(),
            held.event_id.encode(),
        )
        return "emit"

    def renew(self, held: Held) -> bool:
        return self._write(lambda now_ms: self._lease(held.event_key, held.owner, now_ms) > 0)

    def _lease(self, event: bytes, owner: str, now_ms: float) -> int:
        sql = 'update "{p}alerts" set lease_until_ms = ? where event = ? and owner = ?'
        return self._do(sql, now_ms + self._terms.lease_ms, event, owner)

    def confirm(self, sent: Sequence[Held]) -> None:
        self._write(lambda now_ms: self._confirm(sent, now_ms))

    def _confirm(self, sent: Sequence[Held], now_ms: float) -> None:
        for held in sent:
            self._do(
                'update "{p}alerts" set owner = null, lease_until_ms = null, fingerprint = null, event_id = null, expires_ms = ? '
                "where event = ? and lease_until_ms is not null",
                now_ms + self._terms.retention_ms,
                held.event_key,
            )

    def take_over(self, owner: str, most: int) -> list[Held]:
        if not self._anything_due():
            return []
        return self._write(lambda now_ms: self._take_over(owner, most, now_ms))

    def _anything_due(self) -> bool:
        """Whether a tick has anything to write: most have not, and leave the write lock to others."""
        with self._transaction("begin"):
            look = self._clock.look(self._written())
            now_ms = look.clock.now_ms
            due = self._row(
                'select exists (select 1 from "{p}alerts" where lease_until_ms <= ?1) or exists '
                '(select 1 from "{p}alerts" where expires_ms < ?1) or exists (select 1 from "{p}windows" where opened_ms < ?2)',
                now_ms,
                now_ms - self._terms.window_ms,
            )
        return look.tell or bool(due and due[0])

    def _take_over(self, owner: str, most: int, now_ms: float) -> list[Held]:
        self._sweep(now_ms)
        rows = self._db.execute(
            self._sql(
                'select event, alert_id, fingerprint, event_id from "{p}alerts" where lease_until_ms <= ? '
                "order by lease_until_ms limit ?"
            ),
            (now_ms, most),
        ).fetchall()
        for event, *_ in rows:
            sql = 'update "{p}alerts" set owner = ?, lease_until_ms = ? where event = ?'
            self._do(sql, owner, now_ms + self._terms.lease_ms, event)
        return [Held(event, alert_id, fp.decode(), event_id.decode(), owner) for event, alert_id, fp, event_id in rows]

    def _sweep(self, now_ms: float) -> None:
        for table, key, column, before_ms in (
            ("windows", "fingerprint", "opened_ms", now_ms - self._terms.window_ms),
            ("alerts", "event", "expires_ms", now_ms),
        ):
            self._do(
                f'delete from "{{p}}{table}" where {key} in (select {key} from "{{p}}{table}" where {column} < ? limit ?)',
                before_ms,
                SWEEP_ROWS,
            )

    def close(self) -> None:
        with contextlib.suppress(sqlite3.Error):
            self._db.close()

    # -- one transaction -------------------------------------------------------------------------------------------------------

    def _write(self, step: Callable[[float], T]) -> T:
        """A step of one transaction, under the write lock; it is given the time."""
        with self._transaction("begin immediate"):
            look = self._clock.look(self._written())
            if look.tell:
                clock = look.clock
                sql = 'insert or replace into "{p}clock" values (1, ?, ?, ?)'
                self._do(sql, clock.now_ms, clock.monotonic_ms, clock.boot)
            return step(look.clock.now_ms)

    @contextlib.contextmanager
    def _transaction(self, begin: str) -> Iterator[None]:
        committing = False
        try:
            self._db.execute(begin)
            yield
            committing = True
            self._db.execute("commit")
        except sqlite3.Error as error:
            self._roll_back()
            # Only a commit that failed half-way leaves it open whether it was done; then nobody can say.
            raise _failure(error, maybe_done=committing) from error
        except BaseException:
            self._roll_back()
            raise

    def _roll_back(self) -> None:
        with contextlib.suppress(sqlite3.Error):
            if self._db.in_transaction:
                self._db.execute("rollback")

    def _written(self) -> Written | None:
        row = self._row('select now_ms, monotonic_ms, boot from "{p}clock"')
        return Written(*row) if row else None

    def _sql(self, text: str) -> str:
        return text.replace("{p}", self._p)

    def _do(self, text: str, *values: object) -> int:
        return self._db.execute(self._sql(text), values).rowcount

    def _row(self, text: str, *values: object) -> tuple[Any, ...] | None:
        row: tuple[Any, ...] | None = self._db.execute(self._sql(text), values).fetchone()
        return row


def _failure(error: sqlite3.Error, *, maybe_done: bool) -> StoreUnavailable | StoreRefused:
    """Busy, full and failing files may do better later; one that is no database will not."""
    if isinstance(error, sqlite3.OperationalError):
        return StoreUnavailable(f"the store could not do it now: {error}", maybe_done)
    return StoreRefused(f"the store answered with an error: {error}")
