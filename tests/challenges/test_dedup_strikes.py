"""Faults at a crash point other than the owner's death: reached with proof, and what they excuse and do not."""

from __future__ import annotations

from types import SimpleNamespace
from typing import Any

import numpy as np
import pytest

from challenges.alert_dedup.checker import check
from challenges.alert_dedup.courses import FINGERPRINT
from challenges.alert_dedup.crashes import OWNER, SECOND, Calibration, CrashPoint, calibrate
from challenges.alert_dedup.field import Field
from challenges.alert_dedup.history import STORE, Emit, Entry, Fault, Obs
from challenges.alert_dedup.judging import Case, Judgement, Played, decide_under_faults, placed, play
from challenges.alert_dedup.lanes import gather, play_side_by_side
from challenges.alert_dedup.outages import BETWEEN, LATE_CASE, late_case, late_rules, restarts
from challenges.alert_dedup.pauses import case_of, naps
from challenges.alert_dedup.resets import cases as resets
from challenges.alert_dedup.strikes import StoreVictim, cut, kill_store, restore, start_store, stop, strike, wake
from challenges.alert_dedup.suites.test_dd23_pauses import MOST_POINTS, _drawn
from challenges.alert_dedup.view import Rules
from harness.errors import CandidateDied, CandidateFailure, InfraError, RpcError, Undecided, Violation
from harness.runtime.proxy import Point
from tests.challenges.dedup_histories import Sketch
from tests.challenges.dedup_trials import SHORT, Maker, make

__all__ = ["make"]

# Connects again for whatever comes after a broken connection, and says of the offer itself only that it may have happened.
MENDS = """
def connect(self, params):
    self.url = params["store"]["url"]
    self.store = Store(self.url)

def reserve(self, fingerprint, event):
    while True:
        try:
            return super().reserve(fingerprint, event) or self.store.ask("GET", "window:" + fingerprint) == event
        except (OSError, RuntimeError):
            time.sleep(0.01)
            try:
                self.store = Store(self.url)
            except OSError:
                pass
"""


def faults_of(field: Field) -> list[Fault]:
    return [entry for entry in field.history if isinstance(entry, Fault)]


@pytest.mark.parametrize(("point", "name"), [(Point.BEFORE, "reset"), (Point.AFTER, "drop the reply and reset")])
def test_a_cut_connection_is_proven_and_the_offer_goes_on(make: Maker, point: Point, name: str) -> None:
    field = make.field(MENDS)
    calibration = calibrate(field)
    where = next(where for where in calibration.points if where.point is point)
    offer = strike(field, where, calibration, cut)
    field.wait(offer)
    assert offer.decision == "emit" and sum(isinstance(entry, Emit) for entry in field.history) == 1
    (fault,) = faults_of(field)
    assert (fault.fault, fault.status, fault.proc) == (name, "installed", OWNER)
    assert fault.evidence["store_had_answered"] is (point is Point.AFTER)


def test_every_cut_is_a_case_that_counts_its_fault(make: Maker) -> None:
    field = make.field(MENDS, 3)
    calibration = calibrate(field)
    case = resets(calibration, calibration.points[1:2])[0]
    run = play(field, case)
    assert case.name == "reply dropped and reset, after 1" and not run.findings and run.unproven(case) == 0
    assert run.decisions_after_faults == {"emit", "suppress"}


def test_who_never_connects_again_is_charged(make: Maker) -> None:
    field = make.field(
        """
        def decide(self, fingerprint, event):
            try:
                return super().decide(fingerprint, event)
            except (OSError, RuntimeError):
                raise Refused
        """,
        3,
    )
    calibration = calibrate(field)
    run = play(field, resets(calibration, calibration.points[:1])[0])
    assert {"DD-10"} == {finding.requirement for finding in run.findings}


def test_a_stopped_owner_is_proven_stopped_and_wakes_up(make: Maker) -> None:
    field = make.field("", 2, real=True, config=SHORT)
    calibration = calibrate(field)
    offer = strike(field, calibration.points[1], calibration, stop)
    assert not field.cluster.nodes[OWNER].up and not offer.over
    field.pass_ms(50)
    wake(field)
    field.wait(offer)
    assert offer.decision == "emit"
    pause, awake = faults_of(field)
    assert (pause.fault, awake.fault, pause.status, awake.status) == ("pause", "resume", "installed", "installed")
    assert pause.evidence["states"] and set(pause.evidence["states"].values()) == {"T"}
    assert awake.t_ns - pause.t_ns >= 50_000_000
    ups = [entry.what for entry in field.history if isinstance(entry, Obs) and entry.proc == OWNER]
    assert ups == ["up", "down", "fault point", "up"]


def test_a_point_that_is_not_reached_leaves_nobody_stopped(make: Maker) -> None:
    field = make.field("", 2)
    calibration = calibrate(field)
    other = Calibration(("GET",), ("GET",))
    with pytest.raises(Undecided, match="the crash point after 1 .* was not reached in 4 runs"):
        strike(field, CrashPoint(1, Point.AFTER, "x"), other, stop)
    with pytest.raises(Undecided, match="the crash point before 2"):
        strike(field, CrashPoint(2, Point.BEFORE, "x"), calibration, kill_store)
    assert all(node.up for node in field.cluster.nodes.values() if node.name != OWNER)
    assert field.cluster.store is not None and field.cluster.store.running()


def test_a_durable_store_is_killed_and_knows_what_it_knew(make: Maker) -> None:
    field = make.field(MENDS, 2, durable=True)
    calibration = calibrate(field)
    offer = strike(field, calibration.points[1], calibration, kill_store, fresh=field.names)
    assert field.cluster.store is not None and not field.cluster.store.running()
    start_store(field)
    field.wait(offer)
    again = field.offer(SECOND, FINGERPRINT)
    field.wait(again)
    assert (offer.decision, again.decision) == ("emit", "suppress")
    (fault,) = faults_of(field)
    assert (fault.fault, fault.proc, fault.status) == ("kill", STORE, "installed") and fault.evidence["states"]
    ups = [entry.what for entry in field.history if isinstance(entry, Obs) and entry.proc == STORE]
    assert ups == ["down", "up"]


def test_a_store_that_is_not_there_cannot_be_killed(make: Maker) -> None:
    field = make.field("def connect(self, params): pass", store="none", begin=False)
    restore(field)
    for act in (StoreVictim(field).kill, lambda: start_store(field)):
        with pytest.raises(InfraError, match="where there is none"):
            act()


def test_a_tick_may_fail_while_faults_are_about_and_not_otherwise(make: Maker) -> None:
    field = make.field("def tick(self, params): raise Refused")
    field.cluster.ticks_may_fail = True
    field.pass_ms(600)
    field.cluster.ticks_may_fail = False
    with pytest.raises(RpcError):
        field.pass_ms(600)
    field.cluster.ticks_may_fail = True
    field.begin(fresh=field.names)
    assert not field.cluster.ticks_may_fail


# -- side by side ------------------------------------------------------------------------------------------------------------------


def test_lanes_play_each_case_once_and_keep_their_order(make: Maker) -> None:
    trial = make.trial(config=SHORT)

    def fails(_field: Field) -> None:
        raise Undecided("so it is")

    def offers(field: Field) -> None:
        field.wait(field.offer(OWNER, FINGERPRINT))

    cases = [Case("a", offers, settle_ms=50), Case("b", fails), Case("c", offers, settle_ms=50)]
    results = play_side_by_side(trial, [Field(trial, 1, real=True) for _ in range(2)], cases)
    assert [result.case if isinstance(result, Played) else str(result) for result in results] == ["a", "so it is", "c"]


def test_an_owner_that_had_only_looked_before_it_slept_is_charged(make: Maker) -> None:
    body = """
    def reserve(self, fingerprint, event):
        key = "window:" + fingerprint
        free = self.store.ask("GET", key) is None
        self.store.ask("SET", key, event, "PX", self.window_ms)
        return free
    """
    field = make.field(body, 3, real=True, begin=False, config={"window_ms": 1000, "max_skew_ms": 100})
    calibration = calibrate(field)
    nap = next(nap for nap in naps(calibration.points, field.rules) if nap.name == "stopped after 1, for half a lease")
    case = case_of(calibration, nap)
    run = play(field, case)
    assert run.unproven(case) == 0 and run.real
    assert "DD-01" in {finding.requirement for finding in run.findings}


def run_of(sketch: Sketch, case: str = "one") -> Played:
    entries: list[Entry] = sketch.entries()
    return Played(case, True, entries, [], Rules(), check(entries, Rules()))


FINE = Sketch().fault(0, "pause").page(1, "e1", "a1").offer(9, "e2").fault(10, "resume").end(9000)
DOUBLE = Sketch().fault(0, "pause").page(1, "e1", "a1").page(9, "e2", "a2").fault(10, "resume").end(9000)
CASES = [Case(name, lambda _field: None, faults=2, kinds=("pause", "resume")) for name in "abc"]


def test_a_broken_rule_outranks_a_failure_and_that_all_else() -> None:
    dead, open_ = CandidateDied("dead"), Undecided("open")
    assert len(gather(["DD-01"], CASES, [dead, open_, run_of(DOUBLE)]).charged) == 1
    with pytest.raises(CandidateFailure, match="dead"):
        gather(["DD-01"], CASES, [open_, dead, run_of(FINE)])
    with pytest.raises(Undecided, match="open"):
        gather(["DD-01"], CASES, [open_, run_of(FINE), run_of(FINE)])
    assert len(gather(["DD-01"], CASES, [run_of(FINE)] * 3).played) == 3


def test_a_failure_says_in_which_case_with_faults_it_came() -> None:
    error = CandidateDied("dead", stderr_tail="why", request="offer")
    told = placed(error, CASES[0])
    assert (str(told), told.stderr_tail, told.request) == ("dead (a)", "why", "offer") and isinstance(told, CandidateDied)
    assert placed(error, Case("quiet", lambda _field: None)) is error


def test_a_fault_without_its_proof_decides_nothing() -> None:
    half = Sketch().fault(0, "pause", status="indeterminate").page(1, "e1", "a1").offer(9, "e2").fault(10, "resume").end(9000)
    with pytest.raises(Undecided, match="1 of 2 faults of the case 'b' are not proven"):
        gather(["DD-01"], CASES[:2], [run_of(FINE), run_of(half)])


@pytest.mark.parametrize(
    ("sketch", "shown"),
    [
        (FINE, ""),
        (Sketch().page(0, "e1", "a1").fault(5, "pause").offer(9, "e2").end(9000), "only suppress"),
        (Sketch().page(0, "e1", "a1").offer(4, "e2").fault(9, "pause").end(9000), "only neither"),
        (Sketch().page(0, "e1", "a1").offer(4, "e2").end(9000), "only neither"),
    ],
)
def test_both_must_be_seen_after_a_fault(sketch: Sketch, shown: str) -> None:
    judgement = Judgement(("DD-01",), [run_of(sketch)])
    trial: Any = SimpleNamespace()
    if not shown:
        decide_under_faults(trial, judgement)
        return
    with pytest.raises(Undecided, match=shown):
        decide_under_faults(trial, judgement)


def test_a_violation_outranks_that_nothing_was_shown_after_the_fault(make: Maker) -> None:
    run = run_of(Sketch().page(0, "e1", "a1").page(9, "e2", "a2").fault(20, "pause").end(9000))
    judgement = Judgement(("DD-01",), [run])
    judgement.charge(run)
    with pytest.raises(Violation):
        decide_under_faults(make.trial(), judgement)


# -- which cases there are ---------------------------------------------------------------------------------------------------------


def calibration_of(trips: int) -> Calibration:
    return Calibration(("GET",) * trips, ("GET",) * trips)


def test_each_point_is_slept_at_for_three_lengths() -> None:
    found = naps(calibration_of(1).points, Rules())
    assert [nap.ms for nap in found] == [1000, 3000, 6000] * 2
    assert len({nap.name for nap in found}) == 6


@pytest.mark.parametrize(
    ("quick", "replaying", "trips", "many"),
    [(True, False, 4, 8), (True, False, 9, 8), (False, False, 9, 18), (True, True, 9, 18)],
)
def test_of_many_points_the_quick_profile_draws_some_by_the_seed(quick: bool, replaying: bool, trips: int, many: int) -> None:
    def drawn(seed: int) -> list[CrashPoint]:
        trial: Any = SimpleNamespace(quick=quick, replaying=replaying, rng=lambda _name: np.random.default_rng(seed))
        return _drawn(trial, calibration_of(trips))

    assert len(drawn(1)) == many and drawn(1) == drawn(1)
    assert [(w.k, w.point.value) for w in drawn(1)] == sorted(
        ((w.k, w.point.value) for w in drawn(1)), key=lambda w: (w[0], w[1] == "after")
    )
    assert MOST_POINTS < 18 and (many == MOST_POINTS and trips > 4) == (drawn(1) != drawn(2))


def test_the_store_is_killed_at_each_point_and_between_two_offers() -> None:
    made = restarts(calibration_of(2), calibration_of(2).points)
    assert [case.name for case in made] == [
        f"store killed {BETWEEN}",
        *(f"store killed {name}" for name in ("before 1", "after 1", "before 2", "after 2")),
    ]
    assert all(case.faults == 1 and case.kinds == ("kill",) for case in made)
    assert late_case().name == LATE_CASE


@pytest.mark.parametrize(("trips", "repeats"), [(3, True), (4, False)])
def test_late_replies_excuse_a_repeat_where_they_outlast_the_lease(trips: int, repeats: bool) -> None:
    assert ("DD-03" in late_rules(calibration_of(trips), Rules().lease_ns)) is repeats


def test_late_replies_are_seen_to_be_late(make: Maker) -> None:
    field = make.field(MENDS, 3, durable=True)
    run = play(field, late_case())
    late = [fault for fault in run.faults if fault.fault == "replies late"]
    assert late[-1].evidence["late_replies"] >= 6 and {"emit", "suppress"} <= run.decisions_after_faults
    assert not [found for found in run.findings if found.requirement in ("DD-01", "DD-10", "DD-24")]
