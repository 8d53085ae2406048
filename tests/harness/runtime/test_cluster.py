"""Several processes around one store: their clocks, their ticks, what they forget, and how they end."""

from __future__ import annotations

from collections.abc import Iterator
from typing import Any

import pytest

from harness.errors import CandidateBrokeProtocol, CandidateDied, CandidateHung, InfraError, RpcError, Undecided
from harness.runtime import cluster as cluster_module
from harness.runtime.clock import shim_unavailable
from harness.runtime.cluster import MS, Cluster, Node
from harness.runtime.stores import store_unavailable
from harness.runtime.truetime import TrueTime
from tests.challenges.dedup_trials import Maker, make

__all__ = ["make"]
S = 1000 * MS
SLACK_MS = 10_000  # how long a look may take on a busy machine
SAYS_STATS = 'capabilities = ["reset", "stats"]'
COUNTS = """
capabilities = ["reset", "stats"]
count = 0
def tick(self, params): self.count += 1
def reset(self, params): self.count = 0
def stats(self, params): return {"count": self.count, "pid": os.getpid()}
"""
pytestmark = pytest.mark.skipif(
    shim_unavailable() is not None or store_unavailable("redis") is not None, reason="needs the clock shim and a Valkey"
)


@pytest.fixture
def clusters(make: Maker) -> Iterator[Any]:
    """`clusters(body, names)`: a started cluster of a tiny candidate."""
    made: list[Cluster] = []

    def start(body: str = "", names: tuple[str, ...] = ("p0", "p1"), *, real: bool = False, **more: Any) -> Cluster:
        made.append(Cluster(make.trial(body, **more), names, real=real))
        made[-1].start(names)
        return made[-1]

    yield start
    for cluster in made:
        cluster.close()
        cluster.close()


def ask(cluster: Cluster, name: str, method: str = "stats") -> dict[str, Any]:
    call = cluster.send(cluster.nodes[name], method, {})
    assert cluster.run_until(lambda: call.over, 20)
    return call.value()


def clocks_ms(cluster: Cluster) -> dict[str, float]:
    """How far each clock is from where true time says that a clock without skew stands, asked of its owner."""
    assert cluster.store is not None
    base_ms = cluster.time.wall_ms()
    found = {name: ask(cluster, name)["wall_ms"] - base_ms for name in cluster.nodes}
    return found | {"store": cluster.store.wall_ms() - base_ms}


def test_all_clocks_move_together(clusters: Any) -> None:
    cluster = clusters(SAYS_STATS)
    for amount_ns in (0, 5 * S, 3600 * S):
        if amount_ns:
            before_ms = cluster.time.wall_ms()
            cluster.skip(amount_ns)
            assert amount_ns / MS <= cluster.time.wall_ms() - before_ms < amount_ns / MS + SLACK_MS
        assert all(-1 <= off_ms < SLACK_MS for off_ms in clocks_ms(cluster).values()), clocks_ms(cluster)


def test_a_clock_that_is_off_stays_off_by_as_much(clusters: Any) -> None:
    cluster = clusters(SAYS_STATS)
    cluster.nodes["p1"].skew_ns = 60 * S
    cluster._store_skew_ns = -60 * S
    cluster.set_clocks()
    for _ in range(2):
        off = clocks_ms(cluster)
        assert (
            59_999 <= off["p1"] < 60_000 + SLACK_MS
            and -60_001 <= off["store"] < -60_000 + SLACK_MS
            and abs(off["p0"]) < SLACK_MS
        )
        assert abs(ask(cluster, "p1")["said_ms"] - ask(cluster, "p1")["wall_ms"]) < SLACK_MS
        cluster.skip(10 * S)


def test_a_new_process_reads_the_clock_of_the_run_from_its_first_line(clusters: Any) -> None:
    cluster = clusters(SAYS_STATS)
    cluster.skip(3600 * S)
    cluster.kill(cluster.nodes["p0"])
    cluster.skip(3600 * S)
    cluster.start(["p0"])
    assert all(-1 <= off_ms < SLACK_MS for off_ms in clocks_ms(cluster).values())


def test_a_process_that_repeats_now_ms_as_its_clock_is_found_out(make: Maker) -> None:
    echo = """
    def serve(self):
        write = self.write
        def changed(message):
            if "now_ms" in message.get("result", {}):
                message["result"]["now_ms"] = self.told["now_ms"]
            write(message)
        self.write = changed
        super().serve()
    """
    cluster = Cluster(make.trial(echo), ["p0"], real=False)
    with pytest.raises(CandidateBrokeProtocol, match="repeats the request's now_ms"):
        cluster.start(["p0"])


def test_no_virtual_time_without_a_shim_for_the_store(make: Maker, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr("harness.runtime.stores._base.shim_unavailable", lambda: "no compiler")
    with pytest.raises(Undecided, match="the store's clock cannot be moved here"):
        Cluster(make.trial(), ["p0"], real=False)
    Cluster(make.trial(), ["p0"], real=True).close()


def test_real_time_passes_by_itself(clusters: Any) -> None:
    cluster = clusters(COUNTS, real=True)
    began_ns = cluster.loop.now_ns()
    cluster.pass_time(450 * MS)
    assert cluster.loop.now_ns() - began_ns >= 450 * MS and cluster.time.skipped_ns == 0
    assert ask(cluster, "p0")["count"] >= 1


def test_each_is_told_of_its_peers_and_of_its_own_way_to_the_store(clusters: Any) -> None:
    cluster = clusters(SAYS_STATS, ("p0", "p1", "p2"))
    told = {name: ask(cluster, name)["told"] for name in cluster.nodes}
    assert told["p1"]["node"] == {"id": "p1", "peers": ["p0", "p2"]}
    stores = [told[name]["store"] for name in cluster.nodes]
    assert {store["kind"] for store in stores} == {"redis"} and len({store["prefix"] for store in stores}) == 1
    for name, store in zip(cluster.nodes, stores, strict=True):
        proxy = cluster.nodes[name].proxy
        assert proxy is not None and store["url"] == f"unix://{proxy.folder}/redis.sock?db=0"
    assert told["p0"]["protocol"] == 1 and told["p0"]["config"]["window_ms"] == 5000


def test_a_killed_one_is_down_and_the_others_go_on(clusters: Any) -> None:
    cluster = clusters(SAYS_STATS)
    node = cluster.nodes["p0"]
    proxy, pid = node.proxy, node.live.process.pid
    assert proxy is not None and proxy.open == 1
    proof = cluster.kill(node)
    assert proof.took and pid in proof.states
    assert not node.up and proxy.open == 0
    with pytest.raises(InfraError, match="processor p0 is down"):
        node.live  # noqa: B018
    with pytest.raises(InfraError, match="processor p0 is down"):
        cluster.kill(node)
    cluster.kill_quietly(node)
    cluster.pass_time(500 * MS)
    cluster.check_alive()  # we ended it: that is no failure of its own
    assert ask(cluster, "p1")["pid"] != pid
    cluster.start(["p0"])
    assert node.up and node.live.process.incarnation == 1 and proxy.open == 1


def test_who_can_forget_lives_on(clusters: Any) -> None:
    cluster = clusters(COUNTS)
    assert cluster.can_forget and cluster.store is not None
    pids = {name: ask(cluster, name)["pid"] for name in cluster.nodes}
    cluster.tick()
    assert ask(cluster, "p0")["count"] == 1
    call = cluster.send(cluster.nodes["p0"], "offer", {"event_id": "e", "fingerprint": "f"})
    assert cluster.run_until(lambda: call.over, 20) and cluster.store.entries() == 1
    assert cluster.renew(fresh=["p1"]) == ["p1"]
    assert cluster.store.entries() == 0
    assert ask(cluster, "p0") == {"count": 0, "pid": pids["p0"]} and ask(cluster, "p1")["pid"] != pids["p1"]


def test_who_cannot_forget_is_ended_for_it(clusters: Any) -> None:
    cluster = clusters(COUNTS.replace('"reset", ', ""))
    assert not cluster.can_forget
    pids = {name: ask(cluster, name)["pid"] for name in cluster.nodes}
    assert cluster.renew() == ["p0", "p1"]
    assert all(ask(cluster, name)["pid"] != pids[name] for name in cluster.nodes)


def test_who_does_not_answer_a_reset_or_owes_a_reply_is_ended(clusters: Any, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(cluster_module, "RESET_PATIENCE_S", 2.0)
    cluster = clusters("def reset(self, params): time.sleep(1000 * (self.told['node']['id'] == 'p0'))")
    assert cluster.renew() == ["p0"]
    cluster = clusters("def offer(self, params): time.sleep(1000)")
    cluster.send(cluster.nodes["p1"], "offer", {})
    assert cluster.renew() == ["p1"]


def test_an_error_to_a_reset_is_the_candidates(clusters: Any) -> None:
    cluster = clusters("def reset(self, params): raise Refused")
    with pytest.raises(RpcError, match="reset was answered with error -32602"):
        cluster.renew()


def ticks_of(cluster: Cluster, name: str) -> int:
    return cluster.nodes[name].live.process._next_id


def test_a_tick_comes_every_200_ms_of_true_time(clusters: Any, monkeypatch: pytest.MonkeyPatch) -> None:
    cluster = clusters(COUNTS)
    # Or it would depend on how fast this machine is.
    monkeypatch.setattr(TrueTime, "now_ns", lambda self: self.skipped_ns)
    monkeypatch.setattr(cluster_module, "TICK_PATIENCE_S", 20.0)
    cluster.pass_time(1000 * MS)
    assert {ask(cluster, name)["count"] for name in cluster.nodes} == {5}
    cluster.pass_time(10 * MS)
    assert ask(cluster, "p0")["count"] == 6 and cluster.time.skipped_ns == 1010 * MS


SLOW_TICK = """
def tick(self, params):
    while not self.store.ask("GET", "go on"):
        time.sleep(0.005)
"""


def test_at_most_one_tick_is_outstanding(clusters: Any, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(cluster_module, "TICK_PATIENCE_S", 0.05)
    cluster = clusters(SLOW_TICK, ("p0",))
    cluster.pass_time(1000 * MS)
    tick = cluster.nodes["p0"].tick
    assert tick is not None and not tick.over and len(cluster.nodes["p0"].live.calls) == 1 and tick.number == 2
    assert cluster.store is not None
    cluster.store._asked("SET", "go on", "1")  # type: ignore[attr-defined]
    assert cluster.run_until(lambda: tick.over, 20)
    cluster.tick()
    assert cluster.nodes["p0"].tick is not tick


def test_a_tick_that_never_ends_is_a_hang(clusters: Any, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(cluster_module, "TICK_PATIENCE_S", 0.05)
    monkeypatch.setitem(cluster_module.TIMEOUT_S, "tick", 0.1)
    cluster = clusters("def tick(self, params): time.sleep(1000)", ("p0",))
    with pytest.raises(CandidateHung, match="'tick'"):
        cluster.pass_time(2000 * MS)


def test_no_tick_for_who_is_paused_or_owes_a_reply_and_does_not_pipeline(
    clusters: Any, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(cluster_module, "TICK_PATIENCE_S", 0.05)
    waits = SLOW_TICK.replace("def tick", "def offer") + "    return {}\n"
    for capabilities, ticked in (('["reset"]', False), ('["reset", "pipelining"]', True)):
        cluster = clusters(f"capabilities = {capabilities}\n{waits}", ("p0", "p1"))
        cluster.send(cluster.nodes["p0"], "offer", {})
        cluster.tick()
        assert (cluster.nodes["p0"].tick is not None) is ticked and cluster.nodes["p1"].tick is not None
    node: Node = cluster.nodes["p1"]
    before = node.tick
    node.paused = True
    assert not node.up
    cluster.tick()
    assert node.tick is before
    node.paused = False
    assert before is not None and cluster.run_until(lambda: before.over, 20)
    cluster.tick()
    assert node.tick is not before


def test_a_death_is_told_at_once_and_by_whoever_waits(clusters: Any) -> None:
    cluster = clusters("def offer(self, params): sys.exit(3)")
    cluster.send(cluster.nodes["p1"], "offer", {})
    with pytest.raises(CandidateDied, match="status 3"):
        cluster.run_until(lambda: False, 600)


def test_notifications_come_with_true_time(clusters: Any) -> None:
    cluster = clusters()
    heard: list[tuple[str, int, str]] = []
    cluster.on_notification = lambda node, t_ns, message: heard.append((node.name, t_ns, message["method"]))
    cluster.skip(1000 * S)
    call = cluster.send(cluster.nodes["p1"], "offer", {"event_id": "e", "fingerprint": "f"})
    assert cluster.run_until(lambda: call.over, 20)
    assert [(name, method) for name, _, method in heard] == [("p1", "emit")]
    assert 1000 * S < heard[0][1] <= cluster.time.now_ns()


def test_a_store_that_stays_busy_is_ended_and_comes_back_empty(clusters: Any) -> None:
    cluster = clusters("""
    def offer(self, params):
        self.store.ask("CONFIG", "SET", "busy-reply-threshold", "50")
        self.store.ask("SET", "a", "1")
        self.store.ask("EVAL", "redis.call('SET', 'b', '1') while true do end", "0")
    """)
    assert cluster.store is not None
    pid = cluster.store.pid
    cluster.send(cluster.nodes["p0"], "offer", {})
    proxy = cluster.nodes["p0"].proxy
    assert proxy is not None
    assert cluster.run_until(lambda: any("EVAL" in trip.text for trip in proxy.under_way()), 20)
    cluster.run_until(lambda: False, 0.2)
    assert cluster.renew() == ["p0", "p1"]
    assert cluster.store.pid != pid and cluster.store.entries() == 0
    assert abs(cluster.store.wall_ms() - cluster.time.wall_ms()) < SLACK_MS


def test_who_dies_as_it_starts_is_charged_whoever_is_waited_for(clusters: Any) -> None:
    body = """
    def initialize(self, params):
        if params["node"]["id"] == "p1":
            os._exit(3)
        time.sleep(0.3)
    """
    with pytest.raises(CandidateDied, match="status 3"):
        clusters(body)
