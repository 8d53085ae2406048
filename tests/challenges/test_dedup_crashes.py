"""Crash points: found by calibration, reached with proof, and candidates at which there are none to find."""

from __future__ import annotations

import pytest

from challenges.alert_dedup import crashes
from challenges.alert_dedup import field as field_module
from challenges.alert_dedup.checker import check
from challenges.alert_dedup.courses import FINGERPRINT
from challenges.alert_dedup.crashes import (
    OWNER,
    Calibration,
    CrashPoint,
    calibrate,
    cases,
    crash,
    kill_at,
    log_rows,
    new_event,
    rows_of,
    second_owner_too,
)
from challenges.alert_dedup.history import Emit, Fault, Obs
from challenges.alert_dedup.judging import play
from challenges.alert_dedup.suites.test_dd20_crash_points import test_alert_survives_its_owner as dd20
from challenges.alert_dedup.suites.test_dd21_restarts import test_restarts_keep_the_promises as dd21
from harness.errors import Undecided
from harness.judge.outcomes import Outcome
from harness.runtime.proxy import Point
from harness.runtime.stores import Store, StoreBusy
from tests.challenges.dedup_trials import Maker, make, outcome

__all__ = ["make"]

CONFIRMS = """
def decide(self, fingerprint, event):
    if not self.reserve(fingerprint, event):
        return "suppress"
    self.page(fingerprint, event)
    self.store.ask("SET", "sent:" + event, os.urandom(8).hex())
    return "emit"
"""
NO_TRIP = """
def connect(self, params): pass
def reserve(self, fingerprint, event): return True
"""


def test_the_round_trips_of_one_offer_are_found(make: Maker) -> None:
    calibration = calibrate(make.field(CONFIRMS, begin=False))
    assert [trip.split()[0] for trip in calibration.trips] == ["SET", "SET"]
    assert "sent:" in calibration.trips[1]  # its random token differs in each run, and makes no other shape
    assert [(where.k, where.point) for where in calibration.points] == [
        (1, Point.BEFORE),
        (1, Point.AFTER),
        (2, Point.BEFORE),
        (2, Point.AFTER),
    ]
    assert [where.name for where in calibration.points] == ["before 1", "after 1", "before 2", "after 2"]
    assert [row[0] for row in log_rows(calibration)] == [1, 2]


def test_a_round_trip_after_the_reply_counts(make: Maker, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(crashes, "AFTER_REPLY_S", 0.5)  # 50 ms are few on a busy machine
    calibration = calibrate(
        make.field("""
        def write(self, message):
            super().write(message)
            if "decision" in message.get("result", {}):
                self.store.ask("GET", "after")
        """)
    )
    assert [trip.split()[0] for trip in calibration.trips] == ["SET", "GET"]


def test_round_trips_that_never_repeat_are_undecided(make: Maker) -> None:
    field = make.field("""
    def reserve(self, fingerprint, event):
        for byte in os.urandom(20):
            self.store.ask("GET" if byte % 2 else "EXISTS", "x")
        return super().reserve(fingerprint, event)
    """)
    with pytest.raises(Undecided, match=r"not the same in any two of 4 runs \(21, 21, 21, 21 of them\)"):
        calibrate(field)


def test_too_many_round_trips_are_undecided(make: Maker, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(crashes, "MAX_TRIPS", 1)
    with pytest.raises(Undecided, match="one offer took 2 round trips, more than the 1"):
        calibrate(make.field(CONFIRMS))


@pytest.mark.parametrize("test", [dd20, dd21])
def test_without_a_round_trip_there_is_nothing_to_kill_at(make: Maker, test) -> None:
    found = outcome(make.trial(NO_TRIP, req="DD-20"), test)
    assert (found.outcome, found.summary) == (
        Outcome.INCONCLUSIVE,
        "one offer made no round trip to its store, so there is no point at which its owner could be killed",
    )


def test_without_a_store_it_is_not_offered(make: Maker) -> None:
    found = outcome(make.trial(NO_TRIP, store="none", req="DD-20"), dd20)
    assert found.outcome is Outcome.NOT_OFFERED and "no store" in found.summary


@pytest.mark.parametrize(
    ("name", "keys", "pages"), [("before 1", 0, 0), ("after 1", 1, 0), ("before 2", 1, 1), ("after 2", 2, 1)]
)
def test_a_kill_at_a_point_is_proven_by_the_store(make: Maker, name: str, keys: int, pages: int) -> None:
    field = make.field(CONFIRMS)
    calibration = calibrate(field)
    where = next(where for where in calibration.points if where.name == name)
    offer = crash(field, where, calibration)
    assert offer.outcome == "info" and not field.cluster.nodes[OWNER].up
    assert rows_of(field) == keys and sum(isinstance(entry, Emit) for entry in field.history) == pages
    (fault,) = (entry for entry in field.history if isinstance(entry, Fault))
    assert (fault.fault, fault.status, fault.proc) == ("kill", "installed", OWNER) and fault.evidence["states"]
    (point,) = (entry for entry in field.history if isinstance(entry, Obs) and entry.what == "fault point")
    assert (point.data["k"], point.data["point"]) == (where.k, where.point.value)
    assert field.trips()[-1].fate == f"cut {where.point.value}"


def test_a_point_that_is_not_reached_is_undecided(make: Maker) -> None:
    field = make.field(CONFIRMS)
    calibration = calibrate(field)
    with pytest.raises(Undecided, match=r"the crash point before 3 \(none\) was not reached in 4 runs"):
        crash(field, CrashPoint(3, Point.BEFORE, "none"), calibration)
    other = Calibration(("GET something else", "SET"), ("GET", "SET"))
    with pytest.raises(Undecided, match="the crash point after 1 .* was not reached"):
        crash(field, CrashPoint(1, Point.AFTER, "x"), other)


def test_a_point_after_the_reply_is_waited_for(make: Maker, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(field_module, "QUIET_S", 0.5)  # 50 ms are few on a busy machine
    field = make.field("""
    def write(self, message):
        super().write(message)
        if "decision" in message.get("result", {}):
            self.store.ask("GET", "after")
    """)
    offer = kill_at(field, OWNER, CrashPoint(2, Point.BEFORE, "GET"), lambda: field.offer(OWNER, FINGERPRINT))
    assert offer.decision == "emit" and not field.cluster.nodes[OWNER].up


def test_every_point_becomes_a_case_with_its_fault(make: Maker) -> None:
    field = make.field(CONFIRMS, 3)
    calibration = calibrate(field)
    made = cases(calibration, calibration.points[:2], "new event", new_event)
    assert [case.name for case in made] == ["killed before 1, new event", "killed after 1, new event"]
    fine = play(field, made[0])
    assert not [found for found in fine.findings if found.requirement in ("DD-01", "DD-10")] and len(fine.faults) == 1
    lost = play(field, made[1])  # it reserved, died, and nobody takes the reservation over
    assert {found.requirement for found in lost.findings} == {"DD-10"}
    two = play(field, second_owner_too(calibration, calibration.points[:1])[0])
    assert [fault.proc for fault in two.faults] == ["p0", "p1"] and all(fault.status == "installed" for fault in two.faults)
    assert two.case == "killed before 1, the second owner too" and "emit" in two.decisions


def test_a_store_that_cannot_be_counted_is_undecided(make: Maker, monkeypatch: pytest.MonkeyPatch) -> None:
    field = make.field()

    def busy(_self: Store) -> int:
        raise StoreBusy("somebody held a lock")

    assert field.cluster.store is not None
    monkeypatch.setattr(type(field.cluster.store), "entries", busy)
    with pytest.raises(Undecided, match="cannot be counted: somebody held a lock"):
        rows_of(field)


def test_a_short_sweep_gives_a_level_to_each_point(make: Maker) -> None:
    """A reservation that nobody takes over: nothing is lost before it, all is lost within the window after it."""
    trial = make.trial(req="DD-20", time="virtual")
    found = outcome(trial, _sweep)
    assert found.outcome is Outcome.PASS, found.summary


def _sweep(trial) -> None:
    from challenges.alert_dedup.fates import fate_at
    from challenges.alert_dedup.judging import Grounds

    with Grounds(trial) as grounds:
        field = grounds.field(real=False)
        calibration = calibrate(field)
        levels = {where.name: fate_at(field, calibration, where) for where in calibration.points}
    assert {name: fate.number for name, fate in levels.items()} == {"before 1": 3, "after 1": 1}
    assert {name: fate.stored for name, fate in levels.items()} == {"before 1": False, "after 1": True}
    assert all(len(fate.runs) == 4 and all(run.faults for run in fate.runs.values()) for fate in levels.values())
    assert not check([], field.rules)
