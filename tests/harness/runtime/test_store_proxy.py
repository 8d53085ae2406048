"""The proxy between real clients and real servers: what is counted, what each fault does, proven by the store itself."""

from __future__ import annotations

import errno
import socket
import sys
from collections.abc import Callable
from concurrent.futures import Future
from pathlib import Path
from typing import Any

import psycopg
import pytest
import redis
from redis.maint_notifications import MaintNotificationsConfig

from harness.runtime.actor import Actor
from harness.runtime.process import Process
from harness.runtime.proxy import (
    CUT,
    HOLD,
    PASS,
    Faults,
    Gate,
    Granted,
    Point,
    RoundTrip,
    StoreProxy,
    Verdict,
    every_reply_late,
    in_turn,
    resume,
)
from harness.runtime.sandbox import Launch, Mount, available, choose
from harness.runtime.stores import PostgresStore, Store, ValkeyStore
from tests.harness.runtime.storekit import Bench, bench, postgres, valkey

__all__ = ["bench", "postgres", "valkey"]

BEFORE, AFTER = Point.BEFORE, Point.AFTER


def texts(trips: list[RoundTrip]) -> list[str]:
    return [trip.text for trip in trips]


def fails(future: Future[Any]) -> BaseException | None:
    return future.exception()


# -- counting ------------------------------------------------------------------------------------------------------------------


def test_postgres_round_trips_are_counted_and_told(bench: Bench, postgres: PostgresStore) -> None:
    proxy = bench.proxy(postgres)
    client = bench.postgres(proxy)
    assert not proxy.log, "a connection's start is no round trip"
    proxy.open_window("offer")

    def work() -> None:
        client.execute("CREATE TEMP TABLE t (a text UNIQUE, b int)")
        client.execute("INSERT INTO t VALUES (%s, %s)", ("x", 1))
        with client.transaction():
            client.execute("SELECT a FROM t WHERE b = %s FOR UPDATE", (1,))
        with pytest.raises(psycopg.errors.UniqueViolation):
            client.execute("INSERT INTO t VALUES ('x', 2)")

    bench.do(work)
    trips = proxy.close_window()
    assert [trip.k for trip in trips] == [1, 2, 3, 4, 5, 6]
    assert texts(trips)[1].startswith("INSERT INTO t VALUES ($1, $2) [x, ")
    assert [trip.reply for trip in trips][:3] == ["CREATE TABLE", "INSERT 0 1", "BEGIN, in transaction"]
    assert trips[4].reply == "COMMIT" and trips[5].reply.startswith("error 23505: duplicate key")
    assert {trip.fate for trip in trips} == {"delivered"}
    assert all(0 < t.t_ns <= t.forwarded_ns <= t.answered_ns <= t.ended_ns for t in trips)
    assert trips[0].backend == client.info.backend_pid


def test_redis_round_trips_are_counted_and_told(bench: Bench, valkey: ValkeyStore) -> None:
    proxy = bench.proxy(valkey)
    client = bench.redis(proxy)
    bench.do(client.ping)
    assert not proxy.log, "setting up a connection is no round trip"
    proxy.open_window("offer")

    def work() -> None:
        client.set("a", b"\xff\x00")
        assert client.get("a") == b"\xff\x00"
        with client.pipeline(transaction=True) as batch:
            batch.incr("n")
            batch.incr("n")
            assert batch.execute()[-1] >= 2
        with client.pipeline(transaction=False) as batch:
            batch.set("b", 1)
            batch.get("b")
            batch.execute()
        with pytest.raises(redis.exceptions.NoScriptError):
            client.evalsha("0" * 40, 0)

    bench.do(work)
    trips = proxy.close_window()
    assert texts(trips) == [
        "SET a \\xff\\x00",
        "GET a",
        "EXEC of INCRBY n 1; INCRBY n 1",
        "SET b 1",
        "GET b",
        f"EVALSHA {'0' * 40} 0",
    ]
    assert trips[0].reply == "+OK" and trips[5].reply.startswith("-NOSCRIPT")


@pytest.mark.parametrize("protocol", [2, 3])
def test_waiting_and_listening_do_not_count(bench: Bench, valkey: ValkeyStore, protocol: int) -> None:
    proxy = bench.proxy(valkey)
    client = bench.redis(proxy, protocol=protocol, maint_notifications_config=MaintNotificationsConfig(enabled=False))
    proxy.open_window("w")

    def work() -> list[Any]:
        subscribe: Callable[..., Any] = client.pubsub
        listener = subscribe(ignore_subscribe_messages=True)
        listener.subscribe("c")
        listener.get_message(timeout=5)
        popped = client.blpop("nothing", timeout=0.01)
        client.publish("c", "m")
        found = next(m for m in (listener.get_message(timeout=5) for _ in range(5)) if m)
        listener.close()
        return [popped, found["data"]]

    assert bench.do(work) == [None, b"m"]
    assert texts(proxy.close_window()) == ["PUBLISH c m"]


def test_notifications_pass_and_do_not_count(bench: Bench, postgres: PostgresStore) -> None:
    proxy = bench.proxy(postgres)
    client = bench.postgres(proxy)
    bench.do(lambda: client.execute("LISTEN c"))
    proxy.open_window("w")
    postgres.session().execute("NOTIFY c, 'hello'")
    assert bench.do(lambda: next(client.notifies(timeout=30))).payload == "hello"
    assert proxy.close_window() == []


@pytest.mark.parametrize("rows", [3, 40_000])
def test_copy_goes_through_both_ways(bench: Bench, postgres: PostgresStore, rows: int) -> None:
    proxy = bench.proxy(postgres)
    client = bench.postgres(proxy)
    row = "x" * 200

    def work() -> int:
        client.execute("CREATE TEMP TABLE c (a text)")
        with client.cursor() as cursor:
            with cursor.copy("COPY c FROM STDIN") as copy:
                for _ in range(rows):
                    copy.write_row((row,))
            with cursor.copy("COPY c TO STDOUT") as copy:
                out = sum(1 for _ in copy.rows())
            with cursor.copy("COPY c (a) FROM STDIN WITH (ON_ERROR stop, LOG_VERBOSITY default)") as copy:
                copy.write_row((row,))
        assert len(client.execute("SELECT a FROM c").fetchall()) == rows + 1
        return out

    assert bench.do(work) == rows
    assert [trip.fate for trip in proxy.log] == ["delivered"] * 5


def test_drivers_that_send_ahead_are_served_one_by_one(bench: Bench, postgres: PostgresStore) -> None:
    proxy = bench.proxy(postgres)
    client = bench.postgres(proxy)

    def work() -> list[Any]:
        with client.pipeline() as pipeline:
            cursors = []
            for number in range(20):
                cursors.append(client.execute("SELECT %s::int", (number,)))
                if number % 5 == 0:
                    pipeline.sync()
            first = cursors[0].fetchone()
        return [first, *(cursor.fetchone() for cursor in cursors[1:])]

    assert bench.do(work) == [(number,) for number in range(20)]
    assert len(proxy.log) >= 4 and {trip.fate for trip in proxy.log} == {"delivered"}


def test_a_query_can_be_cancelled_through_the_proxy(bench: Bench, postgres: PostgresStore) -> None:
    proxy = bench.proxy(postgres)
    client = bench.postgres(proxy)
    waiting = bench.aside(lambda: client.execute("SELECT pg_sleep(600)"))
    look = "SELECT count(*) FROM pg_stat_activity WHERE query LIKE 'SELECT pg_sleep%' AND wait_event = 'PgSleep'"
    bench.until(lambda: postgres.session().execute(look).fetchone() == (1,))
    bench.do(client.cancel_safe)
    bench.until(waiting.done)
    assert isinstance(fails(waiting), psycopg.errors.QueryCanceled)


def test_large_values_pass(bench: Bench, valkey: ValkeyStore, postgres: PostgresStore) -> None:
    big = b"y" * 9_000_000
    client = bench.redis(bench.proxy(valkey))
    assert bench.do(lambda: (client.set("big", big), client.get("big")))[1] == big
    sql = bench.postgres(bench.proxy(postgres))
    assert bench.do(lambda: sql.execute("SELECT repeat('y', 9000000)").fetchone()) == ("y" * 9_000_000,)


# -- faults --------------------------------------------------------------------------------------------------------------------


@pytest.mark.parametrize(("point", "stored"), [(BEFORE, None), (AFTER, b"1")])
def test_a_reset_before_leaves_no_trace_and_after_loses_the_reply(
    bench: Bench, valkey: ValkeyStore, point: Point, stored: bytes | None
) -> None:
    proxy = bench.proxy(valkey)
    faults = Faults(bench.loop)
    proxy.policy = faults
    faults.reset(2, point)
    client = bench.redis(proxy)
    bench.do(lambda: client.delete("a", "b"))
    proxy.open_window("offer")
    bench.do(lambda: client.set("a", 1))
    with pytest.raises(redis.ConnectionError):
        bench.do(lambda: client.set("b", 1))
    trips = proxy.close_window()
    assert [trip.fate for trip in trips] == ["delivered", f"cut {point.value}"]
    assert bench.do(lambda: client.get("b")) == stored, "and the client could connect again"
    (fired,) = faults.fired
    assert (fired.k, fired.status, fired.evidence["store_had_answered"]) == (2, "installed", point is AFTER)
    assert fired.row()["text"] == "SET b 1" and faults.skipped() == []


@pytest.mark.parametrize(("point", "rows"), [(BEFORE, 0), (AFTER, 1)])
def test_a_commit_is_cut_before_or_after_it_happened(bench: Bench, postgres: PostgresStore, point: Point, rows: int) -> None:
    proxy = bench.proxy(postgres)
    client = bench.postgres(proxy)
    bench.do(lambda: client.execute("DROP TABLE IF EXISTS cutting; CREATE TABLE cutting (a int)"))
    proxy.policy = faults = Faults(bench.loop)
    faults.reset(3, point)
    proxy.open_window("offer")

    def work() -> None:
        with client.transaction():
            client.execute("INSERT INTO cutting VALUES (1)")

    with pytest.raises(psycopg.OperationalError):
        bench.do(work)
    assert texts(proxy.close_window()) == ["BEGIN", "INSERT INTO cutting VALUES (1)", "COMMIT"]
    bench.until(lambda: postgres.connections() == 0)
    assert postgres.rows_in(("public", "cutting")) == rows


def test_a_planned_fault_that_is_not_reached_is_skipped(bench: Bench, valkey: ValkeyStore) -> None:
    proxy = bench.proxy(valkey)
    proxy.policy = faults = Faults(bench.loop)
    planned = faults.reset(2, BEFORE, window="offer")
    client = bench.redis(proxy)
    proxy.open_window("other")
    bench.do(lambda: [client.get("a") for _ in range(2)])
    proxy.open_window("offer")
    bench.do(lambda: client.get("a"))
    assert faults.skipped() == [planned] and faults.fired == []


def test_a_delay_holds_the_reply_and_nothing_else(bench: Bench, valkey: ValkeyStore) -> None:
    proxy = bench.proxy(valkey)
    proxy.policy = faults = Faults(bench.loop)
    faults.delay(60, 1, AFTER)
    faults.delay(30, 2, BEFORE)
    client = bench.redis(proxy)
    proxy.open_window("offer")
    bench.do(lambda: [client.get("a"), client.get("a"), client.get("a")])
    first, second, third = proxy.close_window()
    assert first.ended_ns - first.answered_ns >= 60e6
    assert second.forwarded_ns - second.t_ns >= 30e6
    assert third.notes == [] and first.notes == ["delay 60 ms after"]


def test_every_reply_can_be_late(bench: Bench, postgres: PostgresStore) -> None:
    proxy = bench.proxy(postgres, policy=every_reply_late(5))
    client = bench.postgres(proxy)
    bench.do(lambda: [client.execute("SELECT 1") for _ in range(4)])
    assert all(trip.ended_ns - trip.answered_ns >= 5e6 for trip in proxy.log)


def test_any_policy_can_decide(bench: Bench, valkey: ValkeyStore) -> None:
    seen: list[tuple[str, Point]] = []

    def watch(trip: RoundTrip, point: Point) -> Verdict:
        seen.append((trip.text, point))
        return CUT if trip.text == "GET stop" else PASS

    client = bench.redis(bench.proxy(valkey, policy=watch))
    bench.do(lambda: client.get("go"))
    with pytest.raises(redis.ConnectionError):
        bench.do(lambda: client.get("stop"))
    assert seen == [("GET go", BEFORE), ("GET go", AFTER), ("GET stop", BEFORE)]


PROCESSOR = """
import json, os, sys, time
import redis
client = None
def out(m): print(json.dumps(m), flush=True)
for line in sys.stdin:
    m = json.loads(line)
    p = m["params"]
    r = {}
    if m["method"] == "initialize":
        from redis.backoff import NoBackoff
        from redis.retry import Retry
        client = redis.Redis.from_url(p["store"]["url"], retry=Retry(NoBackoff(), 0))
        client.ping()
        r = {"name": "t", "language": "python", "capabilities": [], "declared": {}, "now_ms": int(time.time() * 1000)}
    elif m["method"] == "offer":
        client.set("reserved:" + p["event_id"], 1)
        out({"jsonrpc": "2.0", "method": "emit", "params": {"event_id": p["event_id"]}})
        client.set("sent:" + p["event_id"], 1)
        r = {"decision": "emit"}
    out({"jsonrpc": "2.0", "id": m["id"], "result": r})
"""
KINDS = [kind for kind, why_not in available().items() if not why_not]


@pytest.fixture(params=KINDS)
def processor(request: pytest.FixtureRequest, tmp_path: Path, bench: Bench, valkey: ValkeyStore) -> Any:
    """`processor()`: a sandboxed processor whose only way out is its proxy; gives the actor and the proxy."""
    valkey.empty()
    (tmp_path / "program.py").write_text(PROCESSOR)
    actors: list[Actor] = []

    def start() -> tuple[Actor, StoreProxy]:
        proxy = bench.proxy(valkey)
        mounts = {"checkout": Mount(tmp_path, "/candidate"), "store": Mount(proxy.folder, "/sockets")}
        site = [Mount(Path(entry), entry) for entry in sys.path if entry.endswith("site-packages")]
        env = {"PYTHONPATH": ":".join(str(mount.host) for mount in site)}
        launch = Launch(("python3", "-u", "{checkout}/program.py"), mounts, env=env, passthrough=tuple(site))
        sandbox = choose(request.param)
        actor = Actor(Process(sandbox.spawn(launch), None, node_id="p0"), bench.loop)
        actors.append(actor)
        store = {"kind": "redis", "url": proxy.url(sandbox.inside(mounts["store"])), "prefix": "x"}
        actor.initialize({"challenge": "alert-dedup", "store": store}, now_ms=1)
        return actor, proxy

    yield start
    for actor in actors:
        actor.close()


Start = Callable[[], tuple[Actor, StoreProxy]]
# k, point, keys that the store holds, whether the page went out
CRASHES = [(1, BEFORE, 0, 0), (1, AFTER, 1, 0), (2, BEFORE, 1, 1), (2, AFTER, 2, 1)]


@pytest.mark.parametrize(("k", "point", "keys", "sent"), CRASHES)
def test_a_kill_takes_exactly_at_its_round_trip(
    bench: Bench, valkey: ValkeyStore, processor: Start, k: int, point: Point, keys: int, sent: int
) -> None:
    actor, proxy = processor()
    emitted: list[tuple[int, dict[str, Any]]] = []
    actor.on_notification = lambda t_ns, message: emitted.append((t_ns, message["params"]))
    proxy.policy = faults = Faults(bench.loop)
    faults.kill(actor, k, point)
    proxy.open_window("offer")
    call = actor.send("offer", {"event_id": "e1"}, now_ms=2)
    bench.until(lambda: call.over)
    assert call.result is None and call.lost is not None and "ended by the harness" in str(call.lost)
    (fired,) = faults.fired
    assert fired.status == "installed" and set(fired.evidence["states"].values()) <= {"-", "Z", "X"}
    assert [trip.fate for trip in proxy.close_window()][-1] == f"cut {point.value}"
    assert (valkey.entries(), len(emitted)) == (keys, sent)
    assert not actor.process.alive() and actor.failure is None


@pytest.mark.parametrize(("point", "keys_while_paused"), [(BEFORE, 0), (AFTER, 1)])
def test_a_pause_freezes_the_processor_and_its_round_trip(
    bench: Bench, valkey: ValkeyStore, processor: Start, point: Point, keys_while_paused: int
) -> None:
    actor, proxy = processor()
    proxy.policy = faults = Faults(bench.loop)
    faults.pause(actor, 1, point)
    proxy.open_window("offer")
    call = actor.send("offer", {"event_id": "e1"}, now_ms=2)
    bench.until(lambda: bool(faults.fired))
    assert bench.loop.settle(0.05, 5)
    assert not call.over and valkey.entries() == keys_while_paused
    assert faults.fired[0].status == "installed" and set(faults.fired[0].evidence["states"].values()) == {"T"}
    back = resume(actor, faults.fired[0])
    bench.until(lambda: call.over)
    assert back.status == "installed" and call.value() == {"decision": "emit"} and valkey.entries() == 2


def test_what_was_said_before_a_request_is_stamped_before_it(bench: Bench, processor: Start) -> None:
    actor, proxy = processor()
    emitted: list[int] = []
    actor.on_notification = lambda t_ns, _message: emitted.append(t_ns)
    for number in range(50):
        emitted.clear()
        proxy.open_window(f"offer {number}")
        assert actor.call("offer", {"event_id": str(number)}, now_ms=2) == {"decision": "emit"}
        reserve, confirm = proxy.close_window()
        assert reserve.ended_ns <= emitted[0] <= confirm.t_ns


# -- the store goes away -------------------------------------------------------------------------------------------------------


@pytest.mark.parametrize("kind", ["postgres", "redis"])
def test_a_store_that_dies_breaks_connections_and_comes_back_behind_the_same_socket(
    bench: Bench, request: pytest.FixtureRequest, kind: str
) -> None:
    store: Store = request.getfixturevalue("valkey" if kind == "redis" else "postgres")
    proxy = bench.proxy(store)
    ask: Callable[[], Any]
    if kind == "redis":
        ask = bench.redis(proxy).dbsize
    else:
        url = proxy.url(str(proxy.folder))

        def ask() -> Any:
            with psycopg.connect(url) as client:
                return client.execute("SELECT 1").fetchone()

    bench.do(ask)
    assert store.kill().took and not store.running()
    with pytest.raises((psycopg.OperationalError, redis.ConnectionError)):
        bench.do(ask)
    store.start()
    bench.do(ask)
    assert proxy.made >= 2 and (kind == "redis" or proxy.unreached == 1)


def test_a_round_trip_under_way_when_the_store_dies_is_lost(bench: Bench, postgres: PostgresStore) -> None:
    proxy = bench.proxy(postgres)
    client = bench.postgres(proxy)
    waiting = bench.aside(lambda: client.execute("SELECT pg_sleep(600)"))
    bench.until(lambda: any(trip.forwarded_ns for trip in proxy.log))
    postgres.restart()
    bench.until(waiting.done)
    assert isinstance(fails(waiting), psycopg.OperationalError)
    assert [trip.fate for trip in proxy.log] == ["lost"] and proxy.under_way() == []


def test_the_store_itself_can_be_killed_at_a_round_trip(bench: Bench, valkey: ValkeyStore) -> None:
    proxy = bench.proxy(valkey)
    proxy.policy = faults = Faults(bench.loop)
    faults.kill(valkey, 1, AFTER)
    client = bench.redis(proxy)
    proxy.open_window("offer")
    with pytest.raises(redis.ConnectionError):
        bench.do(lambda: client.set("a", 1))
    assert faults.fired[0].status == "installed" and not valkey.running()
    valkey.start()
    assert bench.do(lambda: client.set("a", 1))


def test_what_the_store_says_after_a_held_answer_does_not_overtake_it(bench: Bench, postgres: PostgresStore) -> None:
    proxy = bench.proxy(postgres)
    client = bench.postgres(proxy)
    held: list[RoundTrip] = []
    bench.do(lambda: client.execute("LISTEN late"))

    def hold_after(trip: RoundTrip, point: Point) -> Verdict:
        held.extend([trip] if point is AFTER else [])
        return HOLD if point is AFTER else PASS

    proxy.policy = hold_after
    waiting = bench.aside(lambda: client.execute("SELECT 1").fetchone())
    bench.until(lambda: bool(held))
    postgres.session().execute("NOTIFY late, 'news'")
    bench.loop.settle(0.05, 5)
    assert held[0].release()
    assert bench.finish(waiting) == (1,)
    assert bench.do(lambda: next(client.notifies(timeout=20))).payload == "news"


def test_an_answer_that_is_held_survives_its_store(bench: Bench, postgres: PostgresStore) -> None:
    held: list[RoundTrip] = []

    def hold_after(trip: RoundTrip, point: Point) -> Verdict:
        held.extend([trip] if point is AFTER else [])
        return HOLD if point is AFTER else PASS

    proxy = bench.proxy(postgres)
    client = bench.postgres(proxy)
    proxy.policy = hold_after
    waiting = bench.aside(lambda: client.execute("SELECT 1").fetchone())
    bench.until(lambda: bool(held))
    postgres.kill()
    bench.loop.settle(0.02, 5)
    held[0].release()
    assert bench.finish(waiting) == (1,)
    postgres.start()
    bench.until(lambda: proxy.open == 0)


# -- limits --------------------------------------------------------------------------------------------------------------------


def test_a_thousand_connections_are_refused_with_a_sentence(bench: Bench, postgres: PostgresStore) -> None:
    proxy = bench.proxy(postgres, max_connections=3)
    url = proxy.url(str(proxy.folder))
    kept = [bench.postgres(proxy) for _ in range(3)]
    with pytest.raises(psycopg.OperationalError, match="this processor has 3 open, which is all that it may have"):
        bench.do(lambda: psycopg.connect(url))
    path = str(proxy.folder / postgres.socket_name)

    def flood() -> list[socket.socket]:
        clients = []
        for _ in range(700):
            client = socket.socket(socket.AF_UNIX, socket.SOCK_STREAM)
            client.connect(path)  # waits where the queue is full; with a timeout set it would be refused at once
            client.settimeout(30)
            clients.append(client)
        return clients

    clients = bench.do(flood)
    bench.until(lambda: proxy.refused == 701)
    assert proxy.open == 3 and len(proxy._connections) <= 3 + 200
    assert bench.do(lambda: kept[0].execute("SELECT 1").fetchone()) == (1,)
    assert len(proxy.complaints) == 1 and "more than 3 connections" in proxy.complaints[0]
    for client in clients:
        client.close()
    kept[1].close()
    bench.until(lambda: len(proxy._connections) == 2)
    bench.postgres(proxy)


def test_redis_clients_are_refused_with_the_same_sentence(bench: Bench, valkey: ValkeyStore) -> None:
    proxy = bench.proxy(valkey, max_connections=1)
    first, second = bench.redis(proxy), bench.redis(proxy)
    bench.do(first.ping)
    with pytest.raises(redis.RedisError, match="this processor has 1 open"):
        bench.do(second.ping)


def test_a_client_is_turned_away_when_no_descriptor_is_left_to_reach_the_store(
    bench: Bench, valkey: ValkeyStore, monkeypatch: pytest.MonkeyPatch
) -> None:
    proxy = bench.proxy(valkey)

    def none_left(*_: object) -> socket.socket:
        raise OSError(errno.EMFILE, "Too many open files")

    with monkeypatch.context() as patched:
        patched.setattr(socket, "socket", none_left)
        assert proxy._reach() is None
    bench.do(bench.redis(proxy).ping)


@pytest.mark.parametrize("kind", ["postgres", "redis"])
def test_garbage_is_cut_off_and_told(bench: Bench, request: pytest.FixtureRequest, kind: str) -> None:
    store: Store = request.getfixturevalue("valkey" if kind == "redis" else "postgres")
    proxy = bench.proxy(store)
    with socket.socket(socket.AF_UNIX, socket.SOCK_STREAM) as client:
        client.settimeout(30)
        client.connect(str(proxy.folder / store.socket_name))
        client.sendall(b"*1\r\n$oops\r\n\xff\xff")
        assert bench.do(lambda: _until_end(client)) == b""
    assert len(proxy.complaints) == 1 and "was cut" in proxy.complaints[0]


def _until_end(client: socket.socket) -> bytes:
    data = b""
    try:
        while chunk := client.recv(1 << 16):
            data += chunk
    except ConnectionResetError:
        pass
    return data


def test_requests_sent_ahead_are_held_back_within_bounds(bench: Bench, valkey: ValkeyStore) -> None:
    gate = Gate()
    proxy = bench.proxy(valkey, policy=gate)
    piece = b"*3\r\n$3\r\nSET\r\n$1\r\na\r\n$100000\r\n" + b"x" * 100_000 + b"\r\n"
    with socket.socket(socket.AF_UNIX, socket.SOCK_STREAM) as client:
        client.settimeout(30)
        client.connect(str(proxy.folder / valkey.socket_name))
        sending = bench.aside(lambda: client.sendall(piece * 200))
        bench.until(lambda: bool(gate.waiting()))
        bench.loop.settle(0.05, 5)
        (connection,) = proxy._connections
        assert not sending.done() and connection._queued_bytes < 6_000_000
        gate.open()
        replies = bench.aside(lambda: _take(client, 1000))
        assert bench.finish(replies) == b"+OK\r\n" * 200


def _take(client: socket.socket, wanted: int) -> bytes:
    data = b""
    while len(data) < wanted:
        data += client.recv(1 << 16)
    return data


def test_nobody_comes_in_as_the_harness(bench: Bench, postgres: PostgresStore) -> None:
    url = bench.proxy(postgres).url("/x").replace("postgres@", "harness@")
    folder = str(bench.proxy(postgres).folder)
    with pytest.raises(psycopg.OperationalError, match="the user of this store is 'postgres'; it was 'harness'"):
        bench.do(lambda: psycopg.connect(url.replace("/x", folder)))


# -- interleavings -------------------------------------------------------------------------------------------------------------


def read_then_insert(client: redis.Redis, name: str) -> bool:
    if client.get("claim") is None:
        client.set("claim", name)
        return True
    return False


@pytest.mark.parametrize(("schedule", "claims"), [("aabb", 1), ("abab", 2), ("abba", 2)])
def test_the_scheduler_decides_whose_round_trip_goes_next(
    bench: Bench, valkey: ValkeyStore, schedule: str, claims: int
) -> None:
    valkey.empty()
    gate = Gate()
    work = {}
    for name in "ab":
        client = bench.redis(bench.proxy(valkey, name, policy=gate))
        bench.do(client.ping)
        work[name] = bench.aside(lambda client=client, name=name: read_then_insert(client, name))  # type: ignore[misc]  # mypy infers no lambda with a default
    for name in schedule:
        bench.until(lambda name=name: name in gate.waiting() or work[name].done())  # type: ignore[misc]  # mypy infers no lambda with a default
        if name in gate.waiting():
            trip, how = gate.run(bench.loop, name, blocked=valkey.blocked, timeout_s=30)
            assert how is Granted.DONE and trip.fate == "delivered"
    assert sum(bench.finish(future) for future in work.values()) == claims


def test_a_processor_that_the_store_makes_wait_is_seen_as_blocked(bench: Bench, postgres: PostgresStore) -> None:
    gate = Gate()
    gate.open()
    clients = {name: bench.postgres(bench.proxy(postgres, name, policy=gate)) for name in "ab"}
    gate.close()

    def work(name: str) -> None:
        with clients[name].transaction():
            clients[name].execute("SELECT pg_advisory_xact_lock(1)")

    futures = {name: bench.aside(lambda name=name: work(name)) for name in "ab"}  # type: ignore[misc]  # mypy infers no lambda with a default

    def go(name: str) -> Granted:
        bench.until(lambda: name in gate.waiting())
        return gate.run(bench.loop, name, blocked=postgres.blocked, timeout_s=30)[1]

    assert [go("a"), go("a"), go("b"), go("b")] == [Granted.DONE, Granted.DONE, Granted.DONE, Granted.BLOCKED]
    assert go("a") is Granted.DONE, "the commit of the first frees the second"
    bench.until(lambda: "b" in gate.waiting())
    assert go("b") is Granted.DONE
    for future in futures.values():
        bench.finish(future)


def test_a_gate_can_drop_a_dead_processors_request_and_stand_behind_faults(bench: Bench, valkey: ValkeyStore) -> None:
    valkey.empty()
    gate, faults = Gate(), Faults(bench.loop)
    proxy = bench.proxy(valkey, policy=in_turn(faults, gate))
    client = bench.redis(proxy)
    bench.do(client.ping)
    waiting = bench.aside(lambda: client.set("a", 1))
    bench.until(lambda: "p0" in gate.waiting())
    assert gate.drop("p0") == 1 and gate.waiting() == {}
    bench.until(waiting.done)
    assert isinstance(fails(waiting), redis.ConnectionError) and valkey.entries() == 0
    assert [trip.fate for trip in proxy.log] == ["cut before"]


def test_nothing_is_left_behind(bench: Bench, valkey: ValkeyStore) -> None:
    proxy = StoreProxy(bench.loop, "p9", valkey)
    client = bench.redis(proxy)
    bench.do(client.ping)
    proxy.close()
    proxy.close()
    assert not proxy.folder.exists() and proxy.open == 0
    bench.until(lambda: valkey.connections() == 0)
