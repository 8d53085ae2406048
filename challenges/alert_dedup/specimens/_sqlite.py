"""The plain good deduplicator over a SQLite file (see `_base.py`), from which the specimens over SQLite differ by one small change.

Time is the processor's own. Every step that writes takes the write lock as it begins.
"""

from __future__ import annotations

import contextlib
import sqlite3
import time
from collections.abc import Callable, Iterable, Iterator
from typing import TypeVar

from candidates.sdk.python.harness_sdk import now_ms
from challenges.alert_dedup.specimens._base import Alert, Dedup

T = TypeVar("T")

SETUP = """
create table if not exists windows (fingerprint text primary key, opened_ms integer not null);
create table if not exists alerts (event text primary key, alert text not null, made_ms integer not null, lease_until_ms integer);
"""
BUSY_S = 1.0


class SqliteDedup(Dedup):
    """A row per fingerprint, a row per alert."""

    db: sqlite3.Connection
    begin = "begin immediate"
    journal = "wal"

    def connect(self, url: str) -> None:
        self.db = sqlite3.connect(url.removeprefix("sqlite:///"), timeout=BUSY_S, isolation_level=None)
        until = time.monotonic() + BUSY_S
        while True:
            try:  # several begin at once, and for this nobody waits by himself
                self.db.execute(f"pragma journal_mode = {self.journal}").fetchone()
                self.db.executescript(f"begin immediate; {SETUP} commit;")
                return
            except sqlite3.OperationalError:
                if time.monotonic() > until:
                    raise
                time.sleep(0.01)

    @contextlib.contextmanager
    def transaction(self) -> Iterator[None]:
        self.db.execute(self.begin)
        try:
            yield
            self.db.execute("commit")
        except BaseException:
            if self.db.in_transaction:
                self.db.execute("rollback")
            raise

    def known(self, alert: Alert) -> bool:
        return self.db.execute("select 1 from alerts where event = ?", (alert.event_id,)).fetchone() is not None

    def open(self, alert: Alert) -> bool:
        sql = "select 1 from windows where fingerprint = ? and opened_ms + ? > ?"
        return self.db.execute(sql, (alert.fingerprint, self.window_ms, now_ms())).fetchone() is not None

    def insert(self, alert: Alert) -> None:
        self.db.execute("insert or replace into windows values (?, ?)", (alert.fingerprint, now_ms()))
        values = (alert.event_id, alert.pack(), now_ms(), now_ms() + self.lease_ms)
        self.db.execute("insert or ignore into alerts values (?, ?, ?, ?)", values)

    def reserve(self, alert: Alert) -> str:
        with self.transaction():
            if self.known(alert):
                return "known"
            if self.open(alert):
                return "suppress"
            self.insert(alert)
            return "emit"

    def confirm(self, alert: Alert) -> None:
        self.db.execute("update alerts set lease_until_ms = null where event = ?", (alert.event_id,))

    def take_over(self) -> Iterable[Alert]:
        if not self.db.execute("select 1 from alerts where lease_until_ms <= ?", (now_ms(),)).fetchone():
            return []
        with self.transaction():
            rows = self.db.execute("select event, alert from alerts where lease_until_ms <= ?", (now_ms(),)).fetchall()
            for event, _ in rows:
                self.db.execute("update alerts set lease_until_ms = ? where event = ?", (now_ms() + self.lease_ms, event))
        return [Alert.unpack(text) for _, text in rows]


class TriesAgain(SqliteDedup):
    """Whatever the disk refuses is done once more, for a while: each step is one transaction, so nothing of it is there yet."""

    patience_s = 1.5
    pause_s = 0.02

    def reserve(self, alert: Alert) -> str:
        return self.stubbornly(lambda: super(TriesAgain, self).reserve(alert))

    def confirm(self, alert: Alert) -> None:
        self.stubbornly(lambda: super(TriesAgain, self).confirm(alert))

    def take_over(self) -> Iterable[Alert]:
        return self.stubbornly(lambda: super(TriesAgain, self).take_over())

    def stubbornly(self, step: Callable[[], T]) -> T:
        until = time.monotonic() + self.patience_s
        while True:
            try:
                return step()
            except sqlite3.OperationalError as error:
                if is_busy(error) or time.monotonic() > until:
                    raise
                time.sleep(self.pause_s)


def is_busy(error: sqlite3.OperationalError) -> bool:
    """Whether somebody else had the lock: a disk that fails says something else."""
    return error.sqlite_errorcode & 0xFF in (sqlite3.SQLITE_BUSY, sqlite3.SQLITE_LOCKED)
