"""The store in a SQLite file: what every store must do, in a time that the tests move; and what only a file can suffer."""

import os
import signal
import sqlite3
import subprocess
import sys
from collections.abc import Callable, Iterator
from pathlib import Path

import pytest

from reference_impl.dedup import Store, StoreRefused, StoreUnavailable, Terms
from reference_impl.dedup.file_clock import FileClock
from reference_impl.dedup.sqlite_store import SqliteStore
from tests.reference_impl.dedup.test_stores import (
    Opener,
    test_a_request_asked_twice_is_answered_alike_and_a_redelivery_gets_no_second_alert,
    test_a_restart_loses_nothing_and_is_survived,
    test_a_suppressed_event_is_judged_anew_when_redelivered_after_the_window,
    test_a_zombie_that_did_send_may_confirm_and_nobody_sends_again,
    test_fingerprints_are_told_apart_code_point_by_code_point,
    test_of_many_at_once_exactly_one_is_reserved,
    test_takeover_outlives_the_window_and_does_not_lengthen_it,
    test_the_first_is_reserved_and_the_rest_of_the_window_is_folded_in,
    test_the_store_is_emptied_by_time,
    test_what_is_not_confirmed_is_taken_over_once_and_after_its_lease,
    wanted,
)

__all__ = [
    "test_a_request_asked_twice_is_answered_alike_and_a_redelivery_gets_no_second_alert",
    "test_a_restart_loses_nothing_and_is_survived",
    "test_a_suppressed_event_is_judged_anew_when_redelivered_after_the_window",
    "test_a_zombie_that_did_send_may_confirm_and_nobody_sends_again",
    "test_fingerprints_are_told_apart_code_point_by_code_point",
    "test_of_many_at_once_exactly_one_is_reserved",
    "test_takeover_outlives_the_window_and_does_not_lengthen_it",
    "test_the_first_is_reserved_and_the_rest_of_the_window_is_folded_in",
    "test_the_store_is_emptied_by_time",
    "test_what_is_not_confirmed_is_taken_over_once_and_after_its_lease",
]


class FileServer:
    """A file, and a machine whose time moves by `advance` alone; `skew_ms` is how far the next wall clock is off."""

    def __init__(self, folder: Path) -> None:
        self.path = folder / "alerts.db"
        self.url = f"sqlite:///{self.path}"
        self.now_ms = 1000
        self.opened = 0

    def advance(self, by_ms: int) -> None:
        self.now_ms += by_ms

    def clock(self) -> FileClock:
        """That of one processor more: each is off by a second and a half more or less."""
        self.opened += 1
        skew_ms = (self.opened % 3 - 1) * 1500
        return FileClock(lambda: 1.8e12 + self.now_ms + skew_ms, lambda: float(self.now_ms), "boot")

    def start(self) -> None:
        """Nothing runs."""

    stop = start

    def size(self, prefix: str) -> int:
        with sqlite3.connect(self.path) as db:
            counts = [db.execute(f'select count(*) from "{prefix}{table}"').fetchone()[0] for table in ("windows", "alerts")]
        db.close()
        return sum(counts)


@pytest.fixture
def server(tmp_path: Path) -> FileServer:
    return FileServer(tmp_path)


@pytest.fixture
def open_store(server: FileServer, prefix: str) -> Iterator[Callable[[], Store]]:
    opened: list[SqliteStore] = []

    def open_one() -> SqliteStore:
        opened.append(SqliteStore(server.url, prefix, Terms(), server.clock()))
        return opened[-1]

    yield open_one
    for store in opened:
        store.close()


def test_a_file_that_is_locked_full_or_no_database_is_told_apart(
    open_store: Opener, server: FileServer, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr("reference_impl.dedup.sqlite_store.BUSY_TIMEOUT_S", 0.0)
    store = open_store()
    other = sqlite3.connect(server.path, isolation_level=None)
    other.execute("begin immediate")
    with pytest.raises(StoreUnavailable, match="locked") as caught:
        store.reserve(wanted("f", "e1"))
    assert not caught.value.maybe_done
    other.execute("commit")
    assert store.reserve(wanted("f", "e1")) == "emit"
    store.close()
    other.close()
    server.path.write_bytes(b"this is no database" * 999)
    with pytest.raises(StoreUnavailable, match="could not be set up"):
        open_store()
    with pytest.raises(StoreUnavailable, match="URL must be"):
        SqliteStore("file.db", "", Terms())
    with pytest.raises(StoreUnavailable, match="cannot be opened"):
        SqliteStore("sqlite:////nowhere/at/all.db", "", Terms())


def test_what_trying_again_will_not_cure_is_refused(open_store: Opener, server: FileServer, prefix: str) -> None:
    store = open_store()
    with sqlite3.connect(server.path) as db:
        db.execute(f"create trigger t before insert on \"{prefix}windows\" begin select raise(abort, 'no'); end")
    db.close()
    with pytest.raises(StoreRefused, match="no"):
        store.reserve(wanted("f", "e1"))
    assert store.take_over("heir", 9) == []


def test_a_tick_without_anything_due_leaves_the_write_lock_to_others(open_store: Opener, server: FileServer) -> None:
    store = open_store()
    store.reserve(wanted("f", "e1"))
    other = sqlite3.connect(server.path, isolation_level=None)
    other.execute("begin immediate")
    server.advance(100)
    assert store.take_over("heir", 9) == []
    other.close()


DIES = """
import os, signal, sys
from reference_impl.dedup.sqlite_store import SqliteStore
from reference_impl.dedup import Terms
store = SqliteStore(sys.argv[1], sys.argv[2], Terms())
store._write(lambda now_ms: (store._do('insert into "{p}windows" values (x\\'00\\', 0, 1)'), os.kill(os.getpid(), signal.SIGKILL)))
"""


def test_who_dies_in_a_transaction_has_done_nothing_and_holds_no_lock(
    open_store: Opener, server: FileServer, prefix: str
) -> None:
    store = open_store()
    done = subprocess.run([sys.executable, "-c", DIES, server.url, prefix], check=False, timeout=60, cwd=os.getcwd())
    assert done.returncode == -signal.SIGKILL
    assert store.reserve(wanted("f", "e1")) == "emit"
    assert server.size(prefix) == 2
