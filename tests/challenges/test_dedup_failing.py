"""What breaks over a SQLite file: operations that fail once, or all for a while; and who is stopped within a transaction."""

from __future__ import annotations

from types import SimpleNamespace
from typing import Any

import pytest

from challenges.alert_dedup.checker import check
from challenges.alert_dedup.courses import FINGERPRINT
from challenges.alert_dedup.crashes import OWNER, SECOND, Calibration, CrashPoint, calibrate, running_on
from challenges.alert_dedup.failing import (
    COMMIT,
    begin_to_fail,
    fail_no_more,
    has_server,
    locked_at,
    points_that_fail,
    shown_point,
)
from challenges.alert_dedup.field import Field
from challenges.alert_dedup.history import STORE, STORE_FAILS, Emit, Fault, Obs
from challenges.alert_dedup.judging import play
from challenges.alert_dedup.outages import late_rules, restarts
from challenges.alert_dedup.resets import cases as resets
from challenges.alert_dedup.strikes import cut, kill_store, restore, stop, strike, wake
from challenges.alert_dedup.view import Rules
from harness.errors import Undecided
from harness.runtime.proxy import Point
from tests.challenges.dedup_histories import Sketch
from tests.challenges.dedup_trials import SHORT, Maker, make

__all__ = ["make"]

# With a rollback journal a lock that cannot be had for a fault of the disk is an error. It tries until it can.
TRIES = """
def connect(self, params):
    import sqlite3
    self.sql = sqlite3
    self.db = sqlite3.connect(params["store"]["url"].removeprefix("sqlite:///"), timeout=1, isolation_level=None)
    self.stubbornly("pragma journal_mode = delete")
    self.stubbornly("create table if not exists windows (fingerprint text primary key, event text)")

def stubbornly(self, text, *values):
    while True:
        try:
            return self.db.execute(text, values).rowcount
        except self.sql.OperationalError:
            time.sleep(0.01)

def reserve(self, fingerprint, event):
    return self.stubbornly("insert or ignore into windows values (?, ?)", fingerprint, event) > 0
"""
SHAPES = ("read", "write", "commit")
PARTS = Calibration(SHAPES, SHAPES, running_on(SHAPES))
SERVER: Any = SimpleNamespace(cluster=SimpleNamespace(store=SimpleNamespace(has_server=True)))
FILE: Any = SimpleNamespace(cluster=SimpleNamespace(store=SimpleNamespace(has_server=False)))


def faults_of(field: Field) -> list[Fault]:
    return [entry for entry in field.history if isinstance(entry, Fault)]


def test_each_operation_fails_once_and_the_offer_goes_on(make: Maker) -> None:
    field = make.field(TRIES, store="sqlite")
    calibration = calibrate(field)
    assert calibration.shapes[:3] == SHAPES and not has_server(field)
    for where in points_that_fail(field, calibration.points)[:3]:
        offer = strike(field, where, calibration, cut)
        field.wait(offer)
        assert offer.decision == "emit" and sum(isinstance(entry, Emit) for entry in field.history) == 1
        (fault,) = faults_of(field)
        assert (fault.fault, fault.status, fault.proc) == ("operation fails", "installed", OWNER)
        assert fault.evidence == {"operation": where.text, "error": "EIO"}


def test_everything_fails_from_one_operation_on_until_it_does_not(make: Maker) -> None:
    field = make.field(TRIES, 2, store="sqlite")
    calibration = calibrate(field)
    where = shown_point(points_that_fail(field, calibration.points))
    offer = strike(field, where, calibration, kill_store, fresh=field.names)
    other = field.offer(SECOND, f"{FINGERPRINT}/2")
    assert where.text == COMMIT and not field.cluster.run_until(lambda: offer.over or other.over, 0.2)
    assert field.cluster.run_until(lambda: sum(trip.fate == "cut before" for trip in field.trips()) >= 2, 20)
    fail_no_more(field)
    field.wait(offer, other)
    assert (offer.decision, other.decision) == ("emit", "emit")
    (fault,) = faults_of(field)
    assert (fault.fault, fault.proc, fault.status) == (STORE_FAILS, STORE, "installed")
    down, up = (entry for entry in field.history if isinstance(entry, Obs) and entry.proc == STORE)
    assert (down.what, up.what) == ("down", "up") and up.data["failed"] >= 2


def test_a_file_that_fails_unseen_shows_nothing(make: Maker) -> None:
    field = make.field(TRIES, store="sqlite")
    begin_to_fail(field)
    with pytest.raises(Undecided, match="no operation on the file was begun"):
        fail_no_more(field)
    begin_to_fail(field)
    restore(field)
    offer = field.offer(OWNER, FINGERPRINT)
    field.wait(offer)
    assert offer.decision == "emit"


def test_a_case_over_a_file_counts_its_fault(make: Maker) -> None:
    field = make.field(TRIES, 3, store="sqlite")
    calibration = calibrate(field)
    points = points_that_fail(field, calibration.points)[:1]
    once, between = resets(calibration, points, server=False)[0], restarts(calibration, [], server=False)[0]
    assert (once.name, between.name) == ("operation fails, before 1", "all operations fail for 0.6 s, between two offers")
    for case in (once, between):
        assert play(field, case).unproven(case) == 0


def test_who_is_stopped_before_his_commit_has_the_lock_and_gives_it_back(make: Maker) -> None:
    field = make.field(TRIES, 2, store="sqlite", real=True, config=SHORT)
    calibration = calibrate(field)
    where = next(where for where in calibration.points if where.text == COMMIT)
    offer = strike(field, where, calibration, stop)
    other = field.offer(SECOND, FINGERPRINT)
    assert not field.cluster.run_until(lambda: other.over, 0.2)
    wake(field)
    field.wait(offer, other)
    assert (offer.decision, other.decision) == ("emit", "suppress")


# -- which points there are: pure --------------------------------------------------------------------------------------------------


def test_over_a_file_what_has_not_begun_can_fail_and_over_a_server_every_trip() -> None:
    assert points_that_fail(SERVER, PARTS.points) == PARTS.points
    assert [where.name for where in points_that_fail(FILE, PARTS.points)] == ["before 1", "before 2", "before 3"]
    with pytest.raises(Undecided, match="no commit"):
        points_that_fail(FILE, Calibration(("read",), ("read",)).points)


def test_who_is_stopped_before_a_commit_is_said_to_keep_the_file_locked() -> None:
    assert locked_at(SERVER, PARTS.points) == ""
    assert locked_at(FILE, PARTS.points) == " (at 1 of them in a transaction that has written, so that the others wait)"


def test_a_reply_or_a_commit_is_shown_in_real_time() -> None:
    assert shown_point([CrashPoint(1, Point.BEFORE, "GET"), CrashPoint(1, Point.AFTER, "GET")]).name == "after 1"
    assert shown_point(points_that_fail(FILE, PARTS.points)).name == "before 3"


@pytest.mark.parametrize(("transactions", "repeats"), [(3, True), (4, False)])
def test_only_what_has_a_reply_can_be_late(transactions: int, repeats: bool) -> None:
    shapes = SHAPES * transactions
    assert ("DD-03" in late_rules(Calibration(shapes, shapes, running_on(shapes)), Rules().lease_ns)) is repeats


@pytest.mark.parametrize(("fault", "excused"), [(STORE_FAILS, True), ("operation fails", False)])
def test_a_file_that_fails_for_a_while_excuses_a_repeat_and_one_operation_does_not(fault: str, excused: bool) -> None:
    sketch = Sketch().page(0, "e1", "a1").fault(5, fault, STORE).emit(3000, "e1", "a1").end(9000)
    assert ("DD-03" not in {finding.requirement for finding in check(sketch.entries(), Rules())}) is excused
