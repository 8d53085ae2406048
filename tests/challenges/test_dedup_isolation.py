"""DD-41, DD-42 and DD-60: what is judged, on figures made by hand, and what is measured, on tiny candidates."""

from __future__ import annotations

import math
from collections.abc import Callable
from dataclasses import replace

import numpy as np
import pytest

from challenges.alert_dedup import residue, sidebyside, stuck
from challenges.alert_dedup.courses import FINGERPRINT
from challenges.alert_dedup.crashes import CrashPoint, calibrate
from challenges.alert_dedup.field import Field, Offer
from challenges.alert_dedup.history import Fault
from challenges.alert_dedup.judging import Played
from challenges.alert_dedup.pouring import firsts, pour
from challenges.alert_dedup.residue import Look, Residue
from challenges.alert_dedup.sidebyside import Arm, Bare, bare_seconds, ratio
from challenges.alert_dedup.stuck import Asked, Holding, Stop, disturbed, p99, problems, stop_at, survey
from challenges.alert_dedup.suites.test_dd42_side_by_side import test_processors_work_side_by_side as dd42
from challenges.alert_dedup.suites.test_dd60_residue import test_nothing_is_kept_for_ever as dd60
from challenges.alert_dedup.view import MS, Rules
from harness.errors import CandidateHung
from harness.judge.outcomes import Outcome
from harness.runtime.proxy import Point, every_reply_late
from tests.challenges.dedup_histories import Sketch
from tests.challenges.dedup_trials import Maker, make, outcome

__all__ = ["make"]
NO_TRIP = """
def connect(self, params): pass
def reserve(self, fingerprint, event): return True
"""
LOCKS = """
def decide(self, fingerprint, event):
    while self.store.ask("SET", "lock:" + fingerprint, event, "NX") is None:
        time.sleep(0.01)
    decision = super().decide(fingerprint, event)
    self.store.ask("DEL", "lock:" + fingerprint)
    return decision
"""

# -- DD-41: what is judged ---------------------------------------------------------------------------------------------------------


def stop_of(sketch: Sketch, others: list[tuple[int, int, str]], same: list[tuple[int, int]]) -> Stop:
    """Stopped at 1000 ms with 4 s allowed. Others as (op, moment, fingerprint), the same as (op, moment)."""
    run = Played("c", True, sketch.end(5100).entries(), [], Rules(), [])
    asked = [Asked(Offer(op, "p2", f"e{op}", fp, 1, "high", {}), float(ms)) for op, ms, fp in others]
    again = [Asked(Offer(op, "p1", f"e{op}", FINGERPRINT, 1, "high", {}), float(ms)) for op, ms in same]
    where = CrashPoint(1, Point.AFTER, "SET")
    return Stop(where, run, 1000.0, 5000.0, asked, again, [], Holding(1), 0.0)


def good() -> tuple[Sketch, list[tuple[int, int, str]], list[tuple[int, int]]]:
    """A hundred others, paged at once; the stopped one's taken over after two seconds."""
    sketch = Sketch().offer(1100, "x", "suppress", fp=FINGERPRINT, proc="p1").emit(3100, "e", "a", fp=FINGERPRINT, proc="p2")
    others = []
    for number in range(100):
        sketch.page(1200 + 20 * number, f"o{number}", f"a{number}", fp=f"other/{number}", proc="p2")
        others.append((sketch.ops, 1200 + 20 * number, f"other/{number}"))
    return sketch, others, [(1, 1100)]


def late_page(sketch: Sketch, others: list[tuple[int, int, str]]) -> None:
    for number in (100, 101):
        sketch.offer(3500, f"o{number}", "emit", fp=f"other/{number}").emit(
            4600, f"o{number}", f"a{number}", fp=f"other/{number}"
        )
        others.append((sketch.ops, 3500, f"other/{number}"))


def late_decision(sketch: Sketch, others: list[tuple[int, int, str]]) -> None:
    for number in (100, 101):
        sketch.offer(3500, f"o{number}", "emit", took=1050, fp=f"other/{number}")
        sketch.emit(3600, f"o{number}", f"a{number}", fp=f"other/{number}")
        others.append((sketch.ops, 3500, f"other/{number}"))


def refused(sketch: Sketch, others: list[tuple[int, int, str]]) -> None:
    for number in (100, 101):
        sketch.offer(3500, f"o{number}", "fail", fp=f"other/{number}")
        others.append((sketch.ops, 3500, f"other/{number}"))


def test_a_stop_that_holds_up_nobody_is_no_problem() -> None:
    assert problems(stop_of(*good())) == []


@pytest.mark.parametrize(
    ("change", "words"),
    [
        (late_decision, "of 102 offers of other fingerprints 2 took up to 1050 ms"),
        (refused, "of 102 offers of other fingerprints 2 were not decided"),
        (late_page, "of 102 other alerts 2 were paged only after up to 1100 ms"),
    ],
)
def test_what_is_late_for_more_than_one_in_a_hundred_is_told(
    change: Callable[[Sketch, list[tuple[int, int, str]]], None], words: str
) -> None:
    sketch, others, same = good()
    change(sketch, others)
    assert problems(stop_of(sketch, others, same)) == [words]


def test_one_in_a_hundred_may_be_late() -> None:
    sketch, others, same = good()
    late_decision(sketch, others)
    assert problems(stop_of(sketch, others[:-1], same)) == []


def test_the_stopped_ones_own_fingerprint_is_to_be_decided_and_paged() -> None:
    sketch, others, _ = good()
    (found,) = problems(stop_of(sketch, others, [(500, 1100)]))
    assert found == "its own fingerprint, offered 1 times to another, was not accepted in 4000 ms"
    sketch.rows = [row for row in sketch.rows if row[3].get("alert_id") != "a"]
    (found,) = problems(stop_of(sketch, others, [(1, 1100)]))
    assert found == "its own fingerprint was accepted by another 1 times, and not paged in 4000 ms"


def test_a_machine_that_is_slow_by_itself_decides_nothing() -> None:
    stop = stop_of(*good())
    assert disturbed(stop) == ""
    assert disturbed(replace(stop, lag_ms=500.0)) == "our own loop was 500 ms late"
    slow = stop_of(Sketch().offer(10, "c", "emit", took=1500), [], [(1, 10)])
    assert "a decision took 1500 ms" in disturbed(replace(slow, control=slow.same))
    refused = stop_of(Sketch().offer(10, "c", "fail"), [], [(1, 10)])
    assert "were not accepted either" in disturbed(replace(refused, control=refused.same))


def test_the_99th_of_a_hundred() -> None:
    assert (p99([]), p99([7.0]), p99([float(n) for n in range(1, 101)])) == (0.0, 7.0, 99.0)
    assert p99([1.0] * 198 + [math.inf] * 2) == 1.0 and math.isinf(p99([1.0] * 197 + [math.inf] * 3))


# -- DD-41: what is played ---------------------------------------------------------------------------------------------------------


def test_a_stop_is_proven_happens_under_way_and_shows_what_is_held(make: Maker, monkeypatch: pytest.MonkeyPatch) -> None:
    # Who is fast enough is judged on figures made by hand, above: here each offer to the others takes as long as it takes.
    monkeypatch.setattr(stuck, "MOST_MS", 30_000.0)
    ground = make.field(LOCKS, 4, real=True, begin=False)
    calibration = calibrate(ground)
    assert [trip.split()[0] for trip in calibration.trips] == ["SET", "SET", "DEL"]
    assert [held.entries for held in survey(ground, calibration).values()] == [1, 2, 1]
    stop = stop_at(ground, calibration.points[1], calibration)
    (fault,) = [entry for entry in stop.run.entries if isinstance(entry, Fault)]
    assert (fault.fault, fault.status, fault.proc) == ("pause", "installed", "p0")
    assert stop.until_ms - stop.at_ms == pytest.approx(2500) and stop.holding == Holding(1)
    assert {asked.offer.proc for asked in stop.others} == {"p2", "p3"} and {asked.offer.proc for asked in stop.same} == {"p1"}
    assert problems(stop) == ["its own fingerprint, offered 1 times to another, was not accepted in 2500 ms"]


# -- DD-42 -------------------------------------------------------------------------------------------------------------------------


def test_the_ratio_lies_in_its_interval_and_noise_widens_it() -> None:
    even = ratio(Arm([4.0] * 8, [1.0] * 8), np.random.default_rng(1))
    assert (even.low, even.value, even.high) == (4.0, 4.0, 4.0)
    noisy = ratio(Arm([4.0] * 8, [1.0] * 6 + [5.0] * 2), np.random.default_rng(1))
    assert noisy.low < 2.0 < noisy.high and noisy.value == 2.0


def test_bare_connections_go_round_as_often_as_asked_each_reply_late(make: Maker) -> None:
    ground = make.field(processors=2)
    store = ground.cluster.store
    assert store is not None
    proxies = [ground.proxy(name) for name in ground.names]
    bare = [Bare(ground.cluster.loop, proxy, store) for proxy in proxies]
    for proxy in proxies:
        proxy.log.clear()
        proxy.policy = every_reply_late(5)
    assert bare_seconds(ground.cluster.loop, bare[:1], 4) >= 0.02
    bare_seconds(ground.cluster.loop, bare, 4)
    assert [len(proxy.log) for proxy in proxies] == [6, 2]
    for connection in bare:
        connection.close()


def test_without_a_round_trip_late_replies_show_nothing(make: Maker, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(sidebyside, "CONTROL_TRIPS", 4)
    found = outcome(make.trial(NO_TRIP, req="DD-42"), dd42)
    assert found.outcome is Outcome.INCONCLUSIVE and "0.0 round trips" in found.summary


# -- pouring -----------------------------------------------------------------------------------------------------------------------


def test_all_are_offered_one_outstanding_at_each_processor_and_only_to_those_named(make: Maker) -> None:
    ground = make.field(processors=3)
    outstanding: list[int] = []
    heard = ground.cluster.send

    def send(node, method, params):  # type: ignore[no-untyped-def]
        call = heard(node, method, params)
        outstanding.append(len(node.live.calls))
        return call

    ground.cluster.send = send  # type: ignore[method-assign]
    done = pour(ground, ["p0", "p2"], firsts(f"f{number}" for number in range(40)), 30.0)
    assert (done.offered, done.accepted, len(done.pages)) == (40, 40, 40)
    assert max(outstanding) == 1 and len(outstanding) >= 40
    assert {proxy.processor for name in ground.names if (proxy := ground.proxy(name)).log} == {"p0", "p2"}


def test_who_does_not_come_to_the_end_is_told_so(make: Maker) -> None:
    ground = make.field("def reserve(self, fingerprint, event): return 'stay' not in fingerprint or time.sleep(9)")
    with pytest.raises(CandidateHung, match="did not come to the end"):
        pour(ground, ["p0"], firsts(["a", "stay"]), 0.3)


# -- DD-60 -------------------------------------------------------------------------------------------------------------------------


def residue_of(left: dict[str, int], connections: int = 8, mib: float = 30.0) -> Residue:
    before = Look({"list": 10}, 2, {"p0": 20.0, "p1": 20.0})
    found = Residue(
        before, Look({}, 6, {"p0": 25.0, "p1": 26.0}), {"list": 10, "a": 1000}, offered=500, accepted=500, paged=500
    )
    found.after = Look(left, connections, {"p0": 25.0, "p1": mib})
    return found


@pytest.mark.parametrize(
    ("found", "words"),
    [
        (residue_of({"list": 10, "a": 50}), []),
        (residue_of({"list": 10, "a": 51}), ["51 of 1000 rows or keys were still there (of 'a' alone 51) later"]),
        (residue_of({"list": 10}, connections=9), ["9 connections to the store were open where there had been 6 later"]),
        (residue_of({"list": 10}, mib=90.5), ["p1 had grown by 64 MiB later"]),
    ],
)
def test_each_thing_that_is_left_is_told_alone(found: Residue, words: list[str]) -> None:
    assert residue.problems(found, " later") == words


def test_who_pages_nothing_leaves_nothing_and_shows_nothing(make: Maker, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr("challenges.alert_dedup.suites.test_dd60_residue.QUICK", 60)
    monkeypatch.setattr(residue, "WARM_UP", 10)
    trial = make.trial("declared = {'retention_ms': 1000}\ndef reserve(self, fingerprint, event): return False", req="DD-60")
    found = outcome(trial, dd60)
    assert found.outcome is Outcome.INCONCLUSIVE and "60 were accepted and 0 paged" in found.summary


def test_keys_that_stay_are_found_and_timers_get_their_real_time(make: Maker, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr("challenges.alert_dedup.suites.test_dd60_residue.QUICK", 60)
    monkeypatch.setattr(residue, "WARM_UP", 10)
    monkeypatch.setattr(residue, "TRICKLE_MS", 400.0)
    config = {"window_ms": 600, "max_skew_ms": 100}
    stays = "declared = {'retention_ms': 600}\ndef reserve(self, f, event): return self.store.ask('SET', f, 1, 'NX')"
    found = outcome(make.trial(stays, req="DD-60", config=config), dd60)
    assert found.outcome is Outcome.FAIL and "1.2 s of virtual time and 1 s of real time after 60 fingerprints" in found.summary
    assert "connections" not in found.summary and "grown" not in found.summary
    clean = outcome(make.trial("declared = {'retention_ms': 600}", req="DD-60", config=config), dd60)
    assert clean.outcome is Outcome.PASS and clean.summary.startswith("60 fingerprints, 1.2 s of virtual time later")


@pytest.mark.parametrize("event", ["worse", "event", "like"])
def test_what_one_kind_of_event_leaves_is_found(make: Maker, monkeypatch: pytest.MonkeyPatch, event: str) -> None:
    monkeypatch.setattr("challenges.alert_dedup.suites.test_dd60_residue.QUICK", 60)
    monkeypatch.setattr(residue, "WARM_UP", 10)
    leaves = f"""
    declared = {{'retention_ms': 600}}
    def offer(self, params):
        answer = super().offer(params)
        if answer["decision"] == "suppress" and params["event_id"].endswith("/{event}"):
            self.store.ask("SET", "left:" + params["event_id"], 1)
        return answer
    """
    found = outcome(make.trial(leaves, req="DD-60", config={"window_ms": 600, "max_skew_ms": 100}), dd60)
    assert found.outcome is Outcome.FAIL and "rows or keys were still there" in found.summary


def test_a_table_of_the_bases_own_is_left_out(make: Maker) -> None:
    ground: Field = make.field(command=("python3", "-m", "reference_impl.server", "alert-dedup"), store="postgres")
    pour(ground, ["p0"], firsts(["a", "b"]), 30.0)
    (alerts,) = [name for name in residue.look(ground, []).entries if name.endswith("alerts")]
    assert residue.look(ground, []).entries[alerts] == 2
    assert alerts not in residue.look(ground, [alerts]).entries
    assert ground.rules.lease_ns == 2000 * MS
