"""The adapter for the tracer repository's deduplication with the commits themselves, each on a real Postgres, through the proxy."""

from __future__ import annotations

from collections.abc import Iterator

import pytest

from harness.errors import CandidateDied, RpcError
from harness.runtime.proxy.trips import CUT, HOLD, PASS, Point, Policy, RoundTrip, Verdict
from tests.adapters.bench import Bench, Processor

BASE, LOCKS, RESERVATIONS = "tracer-base-dedup", "tracer-gpt-5.1-codex-dedup", "tracer-gpt-5-codex-dedup"
NOT_WIRED, MENDED = "tracer-sonnet-4.5-dedup", "tracer-kimi-k2-dedup"
EACH = pytest.mark.parametrize("candidate", [BASE, LOCKS, RESERVATIONS])


@pytest.fixture
def bench() -> Iterator[Bench]:
    made = Bench()
    yield made
    made.close()


def pair(bench: Bench, candidate: str) -> tuple[Processor, Processor]:
    return bench.start(candidate, "p0").ready(), bench.start(candidate, "p1").ready()


@EACH
def test_processes_that_start_at_once_on_a_fresh_store_all_find_its_tables(bench: Bench, candidate: str) -> None:
    started = [bench.start(candidate, f"p{n}") for n in range(4)]
    bench.wait(*[processor.begin() for processor in started])
    assert bench.wait(*[processor.send(f"f{n}", f"e{n}") for n, processor in enumerate(started)]) == ["emit"] * 4


@EACH
def test_offers_one_after_the_other_are_one_alert_and_a_redelivery_is_none(bench: Bench, candidate: str) -> None:
    one, other = pair(bench, candidate)
    assert [one.offer("f", "e1"), other.offer("f", "e2"), one.offer("f", "e1", attempt=2)] == ["emit", "suppress", "suppress"]
    assert [(emit["fingerprint"], emit["event_id"]) for emit in bench.emits] == [("f", "e1")]
    assert [other.offer("F", "e3"), other.offer("f ", "e4")] == ["emit", "emit"]


@pytest.mark.parametrize("candidate", [LOCKS, RESERVATIONS])
def test_offers_at_once_to_two_processes_are_one_alert(bench: Bench, candidate: str) -> None:
    both = pair(bench, candidate)
    for round_ in range(5):
        calls = [processor.send(f"f{round_}", f"e{round_}.{n}") for n in range(4) for processor in both]
        assert sorted(bench.wait(*calls)) == ["emit"] + ["suppress"] * 7
    assert len(bench.emits) == len({emit["alert_id"] for emit in bench.emits}) == 5


@EACH
def test_a_severity_that_rises_is_an_update_of_its_row(bench: Bench, candidate: str) -> None:
    one, other = pair(bench, candidate)
    assert [one.offer("f", "e1"), other.offer("f", "e2", severity="critical")] == ["emit", "update"]
    assert [emit["event_id"] for emit in bench.emits] == ["e1"]
    assert bench.store.session().execute("SELECT severity FROM alerts").fetchall() == [("critical",)]


@pytest.mark.parametrize(("candidate", "then"), [(BASE, "emit"), (LOCKS, "emit"), (RESERVATIONS, "suppress")])
def test_after_a_resolve(bench: Bench, candidate: str, then: str) -> None:
    one, other = pair(bench, candidate)
    assert one.offer("f", "e1") == "emit"
    other.resolve("f")
    assert one.offer("f", "e2") == then  # the reservation outlives the alert
    assert bench.store.session().execute("SELECT count(*) FROM alerts WHERE resolved").fetchone() == (1,)


@EACH
def test_what_its_columns_do_not_hold_is_an_error_and_it_goes_on(bench: Bench, candidate: str) -> None:
    one, _ = pair(bench, candidate)
    failed = one.offer("x" * 256, "e1")
    assert isinstance(failed, RpcError) and failed.code == -32603 and "too long" in str(failed)
    refused = one.offer("", "e2")
    assert isinstance(refused, RpcError) and refused.code == -32602
    assert one.offer("x" * 255, "e3") == "emit" and len(bench.emits) == 1


def cut_at(k: int) -> Policy:
    """A policy for the window `offer`: the k-th request does not reach the store, and the connection ends."""

    def policy(trip: RoundTrip, point: Point) -> Verdict:
        return CUT if (trip.window, trip.k, point) == ("offer", k, Point.BEFORE) else PASS

    return policy


@pytest.mark.parametrize(("candidate", "dies"), [(BASE, False), (LOCKS, False), (RESERVATIONS, True)])
def test_a_connection_lost_in_an_offer_is_no_answer(bench: Bench, candidate: str, dies: bool) -> None:
    one, other = pair(bench, candidate)
    one.offer("warm", "e0")
    one.proxy.policy = cut_at(3)
    one.proxy.open_window("offer")
    came = one.offer("f", "e1")
    assert isinstance(came, CandidateDied if dies else RpcError), came
    assert [emit["event_id"] for emit in bench.emits] == ["e0"]
    again = bench.start(candidate, "p0").ready() if dies else one
    one.proxy.close_window()
    assert again.offer("f", "e1", attempt=2) == "emit"
    assert other.offer("f", "e2") == "suppress"


@EACH
def test_the_loss_of_an_idle_connection_ends_the_process(bench: Bench, candidate: str) -> None:
    one, other = pair(bench, candidate)
    assert one.proxy.cut_all() > 0
    assert bench.loop.run_until(lambda: one.actor.ended, 10)
    assert "Connection terminated unexpectedly" in one.actor.stderr_tail()
    assert other.offer("f", "e1") == "emit"


def test_a_killed_processor_lets_go_of_its_lock(bench: Bench) -> None:
    one, other = pair(bench, LOCKS)
    one.proxy.policy = lambda trip, point: HOLD if "insert into" in trip.text else PASS
    held = one.send("f", "e1")
    assert bench.loop.run_until(lambda: any("insert into" in trip.text for trip in one.proxy.under_way()), 10)
    waiting = other.send("f", "e2")
    assert not bench.loop.run_until(lambda: waiting.over, 0.3), "it did not wait for the lock"
    assert one.actor.kill().took and held.lost is not None
    assert bench.wait(waiting) == ["emit"]
    assert [emit["event_id"] for emit in bench.emits] == ["e2"]


@pytest.mark.parametrize(("candidate", "lost"), [(BASE, 0), (LOCKS, 8), (RESERVATIONS, 0)])
def test_twenty_five_fingerprints_at_once(bench: Bench, candidate: str, lost: int) -> None:
    """One pool of 20, of which one listens. The locks hold a connection each and ask for a second: with 17 done, 8 starve."""
    one, _ = pair(bench, candidate)
    came = bench.wait(*[one.send(f"f{n}", f"e{n}") for n in range(25)])
    failed = [found for found in came if found != "emit"]
    assert bool(failed) == bool(lost) and len(bench.emits) == 25 - len(failed)
    assert all("timeout exceeded when trying to connect" in str(error) for error in failed)


@EACH
def test_a_process_that_comes_back_to_an_emptied_store_finds_its_tables(bench: Bench, candidate: str) -> None:
    one, other = pair(bench, candidate)
    one.offer("f", "e1")
    assert one.actor.kill().took
    bench.store.empty()
    assert bench.start(candidate, "p0").ready().offer("f", "e2") == "emit"
    assert other.offer("f", "e3") == "suppress"


def test_a_class_that_nothing_calls_is_driven_by_itself(bench: Bench) -> None:
    one, other = (bench.start(NOT_WIRED, node, entry="component").ready() for node in ("p0", "p1"))
    calls = [processor.send("f", f"e{n}{processor.actor.name}") for n in range(3) for processor in (one, other)]
    assert sorted(bench.wait(*calls)) == ["emit"] + ["suppress"] * 5
    assert one.offer("f", "e9", severity="critical") == "suppress"
    assert len(bench.emits) == 1
    other.resolve("f")
    assert bench.wait(one.actor.send("reset", {}, now_ms=1)) == [{}]  # it would else answer from its memory
    assert one.offer("f", "e10") == "emit"


def test_a_commit_that_starts_once_it_is_mended_stores_nothing(bench: Bench) -> None:
    one = bench.start(MENDED, entry="component").ready()
    failed = one.offer("f", "e1")
    assert isinstance(failed, RpcError) and failed.code == -32603 and "ON CONFLICT" in str(failed)
    assert bench.emits == []
