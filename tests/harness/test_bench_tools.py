"""What the benchmarks stand on: found wherever they lie, timed by the right clock, on work that is what it claims to be."""

import os
import subprocess
import sys

import pytest

from challenges.alert_dedup.bench.bench_checker import FAULT_EVERY, Cluster, checked
from challenges.alert_dedup.bench.bench_decisions import DECISIONS, EVENTS_PER_FINGERPRINT, REPEATS, Decisions
from challenges.alert_dedup.history import Emit, Fault, Info, Invoke, Ok
from harness.bench.paired import one_core, with_servers
from harness.cli.bench import module_names
from harness.errors import InfraError
from reference_impl.dedup import Deduplicator

BUSY = "import sys\nfor _ in range(3_000_000): pass\nprint(flush=True)\nsys.stdin.read()\n"


def test_benchmarks_of_engine_and_challenges_are_found() -> None:
    wanted = {"harness.bench.bench_driver", "challenges.anomaly_detection.bench.bench_server"}
    wanted |= {f"challenges.alert_dedup.bench.bench_{name}" for name in ("checker", "decisions")}
    assert wanted <= set(module_names())


def test_a_servers_processor_time_counts() -> None:
    child = subprocess.Popen([sys.executable, "-c", BUSY], stdin=subprocess.PIPE, stdout=subprocess.PIPE)
    try:
        both, own = with_servers([child.pid]), with_servers([])
        child.stdout.readline()
        assert both() - own() > 0.001
    finally:
        child.communicate()
    with pytest.raises(OSError, match="processor clock"):
        with_servers([child.pid])


def test_one_core_and_then_all_of_them_again() -> None:
    before = os.sched_getaffinity(0)
    with one_core():
        assert len(os.sched_getaffinity(0)) == 1
    assert os.sched_getaffinity(0) == before


def test_the_checkers_history_is_mixed_and_good_and_a_bad_one_is_noticed() -> None:
    entries = Cluster(1).play(4 * FAULT_EVERY)
    kinds = {type(entry) for entry in entries}
    assert kinds > {Invoke, Ok, Info, Emit, Fault}
    assert {entry.decision for entry in entries if isinstance(entry, Ok)} == {"emit", "suppress", "update"}
    assert {entry.attempt for entry in entries if isinstance(entry, Invoke)} == {1, 2}
    assert {entry.fault for entry in entries if isinstance(entry, Fault)} == {"kill", "pause", "cut", "resume"}
    checked(entries)
    last = max(i for i, entry in enumerate(entries) if isinstance(entry, Emit))
    with pytest.raises(InfraError, match="in a good history"):
        checked(entries[:last] + entries[last + 1 :])


@pytest.mark.parametrize("wrong", [False, True])
def test_decisions_that_are_not_what_they_claim_are_noticed(monkeypatch: pytest.MonkeyPatch, wrong: bool) -> None:
    paged: set[str] = set()

    def offer(self: Deduplicator, fingerprint: str, event_id: str, rank: int) -> str:
        if fingerprint in paged and not wrong:
            return "suppress"
        paged.add(fingerprint)
        self._send(event_id)
        return "emit"

    monkeypatch.setattr("reference_impl.dedup.connections.Connections.warm", lambda self, count: None)
    monkeypatch.setattr(Deduplicator, "offer", offer)
    decisions = Decisions("redis", "unix:///nowhere")
    for _ in range(REPEATS + 1):
        decisions.round()
    assert len(paged) == (REPEATS + 1) * DECISIONS // EVENTS_PER_FINGERPRINT
    if wrong:
        with pytest.raises(InfraError, match="alerts were sent"):
            decisions.check()
    else:
        decisions.check()
