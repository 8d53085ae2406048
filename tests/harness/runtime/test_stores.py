"""The stores are real, ours alone, movable in time, and gone without a trace."""

from __future__ import annotations

import contextlib
import os
import re
import shutil
import signal
import subprocess
import sys
import textwrap
import time
from collections.abc import Callable
from pathlib import Path

import psycopg
import pytest
import redis

from harness.errors import InfraError
from harness.runtime import tree
from harness.runtime.stores import SERVERS, PostgresStore, Store, StoreBusy, ValkeyStore, open_store, store_unavailable
from harness.runtime.stores import _base as base
from harness.runtime.stores import _find as find
from harness.runtime.stores._user import reachable, store_identity
from tests.harness.runtime.storekit import postgres, valkey

__all__ = ["postgres", "valkey"]

pytestmark = pytest.mark.skipif(
    any(store_unavailable(kind) for kind in SERVERS), reason="; ".join(filter(None, map(store_unavailable, SERVERS)))
)
HOUR_NS = 3_600_000_000_000
SLACK_MS = 10_000
KEPT = ("public", "kept")


@pytest.fixture(params=SERVERS)
def store(request: pytest.FixtureRequest) -> Store:
    """Each kind in turn."""
    found: Store = request.getfixturevalue("valkey" if request.param == "redis" else "postgres")
    return found


def as_candidate(store: PostgresStore) -> psycopg.Connection[tuple[object, ...]]:
    return psycopg.connect(store.url(str(store.sockets)), autocommit=True)


def put(store: Store, name: str) -> None:
    """One row or key, acknowledged."""
    if isinstance(store, PostgresStore):
        with as_candidate(store) as client:
            client.execute("CREATE TABLE IF NOT EXISTS kept (a text)")
            client.execute("INSERT INTO kept VALUES (%s)", (name,))
    else:
        redis.Redis.from_url(store.url(str(store.sockets))).set(name, 1)


def test_it_is_fresh_answers_and_can_be_emptied(store: Store) -> None:
    assert store.entries() == 0
    put(store, "a")
    assert store.entries() == 1
    store.empty()
    assert store.entries() == 0
    assert not isinstance(store, PostgresStore) or ("public", "kept") in store.tables()


def test_its_own_time_moves_at_once(store: Store) -> None:
    for offset_ns in (HOUR_NS, -HOUR_NS, 0):
        store.set_offset_ns(offset_ns)
        assert abs(store.wall_ms() - time.time() * 1000 - offset_ns / 1e6) < SLACK_MS


def test_keys_expire_in_the_stores_time(valkey: ValkeyStore) -> None:
    client = redis.Redis.from_url(valkey.url(str(valkey.sockets)))
    client.set("lease", 1, px=1_000_000)
    valkey.set_offset_ns(999 * 10**9)
    assert client.get("lease") == b"1"
    valkey.set_offset_ns(1001 * 10**9)
    assert client.get("lease") is None
    valkey.set_offset_ns(0)


def test_what_it_holds_is_what_lives_of_every_database_by_its_elements(valkey: ValkeyStore) -> None:
    client = redis.Redis.from_url(valkey.url(str(valkey.sockets)))
    client.set("expires", 1, px=1_000)
    client.set("stays", 1)
    client.hset("several", mapping={"a": 1, "b": 2, "c": 3})
    client.zadd("several, in order", {"a": 1, "b": 2})
    redis.Redis(unix_socket_path=str(valkey.socket), db=3).set("elsewhere", 1)
    assert valkey.holdings() == {"string": 3, "hash": 3, "zset": 2}
    valkey.set_offset_ns(2 * 10**9)
    assert valkey.holdings() == {"string": 2, "hash": 3, "zset": 2}
    valkey.set_offset_ns(0)


def test_what_it_holds_is_told_by_table(postgres: PostgresStore) -> None:
    put(postgres, "a")
    postgres.keep_what_is_there()
    put(postgres, "b")
    with as_candidate(postgres) as client:
        client.execute(
            "CREATE SCHEMA mine; CREATE TABLE mine.own (a int); INSERT INTO mine.own VALUES (1); DELETE FROM mine.own"
        )
    assert postgres.holdings() == {"kept": 2, "mine.own": 0} and postgres.entries() == 0


def test_now_follows_the_stores_time(postgres: PostgresStore) -> None:
    with as_candidate(postgres) as client:
        postgres.set_offset_ns(24 * HOUR_NS)
        (ahead,) = client.execute("SELECT extract(epoch FROM now()) - %s", (time.time(),)).fetchone() or (0,)
        assert abs(float(str(ahead)) - 86_400) < SLACK_MS / 1000
        postgres.set_offset_ns(0)


def test_it_runs_as_nobody_in_particular(store: Store) -> None:
    who = store_identity()
    uids: set[int] = set()
    for pid in tree.descendants(store.pid):
        with contextlib.suppress(FileNotFoundError):  # a backend may end while we look
            uids.add(os.stat(f"/proc/{pid}").st_uid)
    assert uids == {who.uid if who is not None else os.getuid()} and 0 not in uids


def test_a_candidate_is_no_superuser(postgres: PostgresStore) -> None:
    with as_candidate(postgres) as client:
        assert client.execute("SELECT rolsuper FROM pg_roles WHERE rolname = current_user").fetchone() == (False,)
        with pytest.raises(psycopg.errors.InsufficientPrivilege):
            client.execute("COPY (SELECT 1) TO PROGRAM 'true'")
        client.execute("CREATE SCHEMA own; CREATE TABLE own.t (a int); DROP SCHEMA own CASCADE")
        client.execute("CREATE EXTENSION IF NOT EXISTS plpgsql")


@pytest.mark.parametrize(
    "words", ["SHUTDOWN NOSAVE", "CONFIG SET dir /tmp", "DEBUG SLEEP 0", "REPLICAOF 127.0.0.1 1", "MODULE LIST"]
)
def test_a_candidate_cannot_end_or_turn_the_server(valkey: ValkeyStore, words: str) -> None:
    execute: Callable[..., object] = redis.Redis.from_url(valkey.url(str(valkey.sockets))).execute_command
    with pytest.raises(redis.ResponseError):
        execute(*words.split())
    assert valkey.running()


@pytest.mark.parametrize("kind", SERVERS)
def test_what_a_durable_store_acknowledged_survives_a_kill(kind: str) -> None:
    with open_store(kind, durable=True) as store:
        put(store, "a")
        first = store.pid
        assert store.kill().took and not store.running()
        store.start()
        assert store.entries() == 1 and store.pid != first
        put(store, "b")
        store.restart(orderly=True)
        assert store.entries() == 2


@pytest.mark.parametrize("kind", SERVERS)
def test_a_paused_store_answers_when_it_is_resumed(kind: str) -> None:
    with open_store(kind) as store:
        assert store.pause().took
        assert store.resume().took
        put(store, "a")
        assert store.entries() == 1
        assert store.stop() == 0 and store.stop() is None
        assert not store.running()


def shared_memory_of(pid: int) -> set[str]:
    """System V segments that this process made; others on this machine are not ours to judge."""
    rows = [line.split() for line in Path("/proc/sysvipc/shm").read_text().splitlines()[1:]]
    return {row[1] for row in rows if row[4] == str(pid)}


def named_memory_of(pid: int) -> set[Path]:
    """Named segments that this process or one below it has in use; those of any other Postgres here are not ours to judge."""
    found: set[str] = set()
    for each in tree.descendants(pid):
        with contextlib.suppress(FileNotFoundError, ProcessLookupError):  # a backend may end while we look
            found |= set(re.findall(r"/dev/shm/PostgreSQL\.\d+", Path(f"/proc/{each}/maps").read_text()))
    return set(map(Path, found))


@pytest.mark.parametrize("end", ["close", "kill", "pause"])
@pytest.mark.parametrize("kind", SERVERS)
def test_nothing_is_left_behind(kind: str, end: str) -> None:
    store = open_store(kind)
    pid, folder = store.pid, store.folder
    assert bool(shared_memory_of(pid)) == (kind == "postgres")
    put(store, "a")
    named = named_memory_of(pid)
    if end != "close":
        getattr(store, end)()
    store.close()
    store.close()
    assert tree.state_of(pid) == "-" and not folder.exists()
    assert not shared_memory_of(pid) and not [path for path in named if path.exists()]


def test_a_server_dies_with_its_harness(tmp_path: Path) -> None:
    source = """
    import os, signal, sys
    from harness.runtime.stores import SERVERS, open_store
    stores = [open_store(kind) for kind in SERVERS]
    print(*(store.pid for store in stores), *(store.folder for store in stores), flush=True)
    signal.pause()
    """
    child = subprocess.Popen([sys.executable, "-c", textwrap.dedent(source)], stdout=subprocess.PIPE, text=True)
    assert child.stdout is not None
    words = child.stdout.readline().split()
    child.kill()
    child.wait()
    child.stdout.close()
    deadline = time.monotonic() + 30
    while any(tree.state_of(int(pid)) not in "-ZX" for pid in words[:2]) and time.monotonic() < deadline:
        time.sleep(0.005)
    assert [tree.state_of(int(pid)) for pid in words[:2]] in (["-", "-"], ["Z", "Z"], ["-", "Z"], ["Z", "-"])
    for folder in words[2:]:
        shutil.rmtree(folder)


# -- emptying, locks -------------------------------------------------------------------------------------------------------------


def test_tables_that_were_filled_before_can_be_kept() -> None:
    with open_store("postgres") as store:
        assert isinstance(store, PostgresStore)
        with as_candidate(store) as client:
            client.execute("CREATE TABLE migrations (a int); CREATE TABLE parent (a int PRIMARY KEY)")
            client.execute("CREATE TABLE child (a int REFERENCES parent); INSERT INTO migrations VALUES (1)")
        store.keep_what_is_there()
        with as_candidate(store) as client:
            client.execute("INSERT INTO parent VALUES (1); INSERT INTO child VALUES (1); INSERT INTO migrations VALUES (2)")
        store.empty()
        assert [store.rows_in(table) for table in store.tables()] == [0, 2, 0]


def test_a_lock_held_for_ever_is_told_with_its_holder(postgres: PostgresStore, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr("harness.runtime.stores._postgres.LOCK_PATIENCE_MS", 50)
    with as_candidate(postgres) as client:
        client.execute("CREATE TABLE IF NOT EXISTS held (a int)")
        with client.transaction():
            client.execute("LOCK TABLE held")
            with pytest.raises(StoreBusy, match="somebody held a lock on them") as caught:
                postgres.empty()
            assert caught.value.holders == (client.info.backend_pid,)
    postgres.empty()


def first_blocked(postgres: PostgresStore) -> frozenset[int]:
    """Who waits for a lock, once anybody does."""
    deadline = time.monotonic() + 30
    while not (found := postgres.blocked()) and time.monotonic() < deadline:
        time.sleep(0.001)
    return found


def test_whoever_waits_for_a_lock_is_seen(postgres: PostgresStore) -> None:
    with as_candidate(postgres) as holder:
        waiter = as_candidate(postgres)
        holder.execute("SELECT pg_advisory_lock(7)")
        assert postgres.blocked() == frozenset()
        waiter.pgconn.send_query(b"SELECT pg_advisory_lock(7)")
        assert first_blocked(postgres) == {waiter.info.backend_pid}
        waiter.close()


def test_who_writes_waits_while_writers_are_held_and_who_looks_goes_on(postgres: PostgresStore) -> None:
    put(postgres, "before")
    before = postgres.rows_in(KEPT)
    with as_candidate(postgres) as writer, as_candidate(postgres) as reader:
        with postgres.writers_held():
            writer.pgconn.send_query(b"INSERT INTO kept VALUES ('later')")
            assert first_blocked(postgres) == {writer.info.backend_pid}
            assert len(reader.execute("SELECT a FROM kept FOR UPDATE").fetchall()) == before
        while writer.pgconn.get_result() is not None:
            pass
    assert postgres.rows_in(KEPT) == before + 1


def test_writers_are_not_held_where_one_has_not_ended_and_the_run_goes_on(postgres: PostgresStore) -> None:
    put(postgres, "before")
    before = postgres.rows_in(KEPT)
    with as_candidate(postgres) as slow:
        slow.execute("BEGIN")
        slow.execute("INSERT INTO kept VALUES ('not yet')")
        with postgres.writers_held():
            put(postgres, "meanwhile")
        slow.execute("COMMIT")
    assert postgres.rows_in(KEPT) == before + 2


def all_gone(store: Store) -> bool:
    """Whether the clients of earlier tests leave: a server notices that a connection was closed a moment after it was."""
    deadline = time.monotonic() + 30
    while store.connections() and time.monotonic() < deadline:
        time.sleep(0.001)
    return store.connections() == 0


def test_any_store_can_be_asked_to_hold_its_writers_and_whoever_holds_them_is_no_client(store: Store) -> None:
    assert all_gone(store)
    with store.writers_held():
        assert store.connections() == 0
    assert store.connections() == 0


def test_clients_are_counted_without_ourselves(store: Store) -> None:
    assert all_gone(store)
    if isinstance(store, PostgresStore):
        with as_candidate(store):
            assert store.connections() == 1
    else:
        client = redis.Redis.from_url(store.url(str(store.sockets)))
        client.ping()
        assert store.connections() == 1
        client.close()


# -- a store that cannot start -----------------------------------------------------------------------------------------------------


def test_a_server_that_ends_as_it_starts_is_our_own_fault_with_its_log() -> None:
    with open_store("postgres") as store:
        store.stop()
        (store.folder / "data" / "PG_VERSION").write_text("7\n")
        with pytest.raises(InfraError, match=r"(?s)the postgres store ended with status 1 as it started: .*data directory was"):
            store.start()


def test_a_server_that_never_answers_is_our_own_fault(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(base, "START_PATIENCE_S", 0.05)
    monkeypatch.setattr(ValkeyStore, "_ready", lambda self: False)
    with pytest.raises(InfraError, match="the redis store was not ready after 0.05 s"):
        open_store("redis")


def test_a_machine_without_servers_says_so(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr("harness.runtime.stores._valkey.find_valkey", lambda: None)
    monkeypatch.setattr("harness.runtime.stores._postgres.find_postgres", lambda: None)
    for kind in SERVERS:
        assert "extra `stores`" in (store_unavailable(kind) or "")
        with pytest.raises(InfraError, match=f"the {kind} store cannot be started: neither the wheel"):
            open_store(kind)
    with pytest.raises(InfraError, match="a store is one of postgres, redis, sqlite; it was 'mysql'"):
        open_store("mysql")


def test_a_folder_too_deep_for_a_socket_is_told(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    deep = tmp_path / ("d" * 60)
    deep.mkdir()
    monkeypatch.setattr("tempfile.tempdir", str(deep))
    with pytest.raises(InfraError, match="set TMPDIR to a shorter folder"):
        open_store("redis")
    assert list(deep.iterdir()) == []


def test_programs_below_a_private_folder_are_copied_where_the_server_can_read_them(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    if os.geteuid() != 0:
        pytest.skip("only root has stores that run as somebody else")
    found = find.find_postgres()
    assert found is not None
    private = tmp_path / "private"
    private.mkdir(mode=0o700)
    root = found.postgres.parent.parent
    install = private / root.parent.name / root.name
    install.parent.mkdir()
    for part in ("bin/postgres", "bin/initdb"):
        (install / part).parent.mkdir(parents=True, exist_ok=True)
        os.link(root / part, install / part) if os.stat(root).st_dev == os.stat(tmp_path).st_dev else shutil.copy(
            root / part, install / part
        )
    shutil.copytree(root / "lib", install / "lib")
    shutil.copytree(root / "share", install / "share")
    libraries = root.parent.parent / f"{root.parent.name}.libs"
    if libraries.is_dir():
        shutil.copytree(libraries, private / libraries.name)
    assert not reachable(install / "bin" / "postgres")
    monkeypatch.setattr(find, "_postgres_folders", lambda: [install / "bin"])
    find.find_postgres.cache_clear()
    try:
        copied = find.find_postgres()
        assert copied is not None and reachable(copied.postgres) and install not in copied.postgres.parents
        with open_store("postgres") as store:
            assert store.entries() == 0
    finally:
        find.find_postgres.cache_clear()
        if copied is not None:
            shutil.rmtree(copied.postgres.parents[3], ignore_errors=True)


def test_a_stopped_tree_is_ended_too() -> None:
    store = open_store("redis")
    os.kill(store.pid, signal.SIGSTOP)
    store.close()
    assert tree.state_of(store.pid) == "-"
