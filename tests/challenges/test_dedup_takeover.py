"""Whoever takes over on a tick, killed while he does: what tells such a round trip, and a candidate that loses the alert with him."""

from __future__ import annotations

import pytest

from challenges.alert_dedup.crashes import BETWEEN, Calibration, calibrate
from challenges.alert_dedup.judging import Played, play
from challenges.alert_dedup.takeover import DIGITS, Takeover, cases, find, longest, tells
from harness.errors import Undecided
from harness.runtime.proxy import Point, RoundTrip
from tests.challenges.dedup_trials import Maker, make

__all__ = ["make"]

# One alert is owed at most, under a lease: enough for a case of one fingerprint.
TAKES_OVER = """
def reserve(self, fingerprint, event):
    script = '''if not redis.call('SET', 'window:' .. ARGV[1], 1, 'NX', 'PX', ARGV[3]) then return 0 end
        redis.call('SET', 'owed', ARGV[1] .. '|' .. ARGV[2]) redis.call('SET', 'lease', 1, 'PX', 500) return 1'''
    return self.store.ask("EVAL", script, 0, fingerprint, event, self.window_ms) == 1

def decide(self, fingerprint, event):
    decision = super().decide(fingerprint, event)
    if decision == "emit":
        self.store.ask("DEL", "owed")
    return decision

def tick(self, params):
    script = '''local owed = redis.call('GET', 'owed')
        if not owed or redis.call('EXISTS', 'lease') == 1 then return false end
        %s return owed'''
    owed = self.store.ask("EVAL", script, 0)
    if owed:
        self.page(*owed.split("|"))
        self.store.ask("DEL", "owed")
"""
LEASES = TAKES_OVER % "redis.call('SET', 'lease', 1, 'PX', 500)"
TAKES = TAKES_OVER % "redis.call('DEL', 'owed')"
COUNTS = """
given = 0
def page(self, fingerprint, event, alert_id=None):
    self.given += 1
    super().page(fingerprint, event, str(self.given))
"""


def trip(kind: str, reply_bytes: int) -> RoundTrip:
    return RoundTrip("p1", 1, 1, "takeover", kind, 0, 10, reply_bytes=reply_bytes)


def test_what_an_idle_tick_has_too_tells_nothing() -> None:
    idle = longest([trip("GET", 4), trip("GET", 6), trip("PING", 7)])
    assert idle == {"GET": 6, "PING": 7}
    assert not tells(trip("GET", 6 + DIGITS), idle)  # a larger number
    assert tells(trip("GET", 7 + DIGITS), idle)
    assert tells(trip("DEL", 1), idle)


def broken(run: Played) -> set[str]:
    return {found.requirement for found in run.of("DD-01", "DD-10")}


@pytest.mark.parametrize(("body", "breaks"), [(LEASES, set()), (TAKES, {"DD-10"})])
def test_whoever_takes_over_is_killed_after_he_took(make: Maker, body: str, breaks: set[str]) -> None:
    field = make.field(body, 3)
    calibration = calibrate(field)
    found = find(field, calibration)
    assert found is not None and (found.where.name, found.steps) == ("after 1", 1)
    (case,) = cases(calibration, found)
    run = play(field, case)
    assert [(fault.proc, fault.fault, fault.status) for fault in run.faults] == [
        ("p0", "kill", "installed"),
        ("p2", "kill", "installed"),
        ("p1", "kill", "installed"),
    ]
    assert run.unproven(case) == 0 and broken(run) == breaks


def test_where_nobody_takes_over_on_a_tick_there_is_no_such_case(make: Maker) -> None:
    field = make.field("", 3)
    calibration = calibrate(field)
    assert find(field, calibration) is None
    assert cases(calibration, None) == []


def test_a_step_that_does_not_come_again_is_undecided(make: Maker) -> None:
    field = make.field(LEASES, 3)
    calibration = calibrate(field)
    where = next(where for where in calibration.points if where.point is Point.AFTER)
    (*_, last) = cases(calibration, Takeover(where, {"EVAL": 10_000}, 4))  # no reply is as long: nothing tells before the page
    with pytest.raises(Undecided, match="step 4 of taking an alert over was not reached in 4 runs"):
        play(field, last)


@pytest.mark.parametrize(("body", "breaks"), [("", set()), (COUNTS, {"DD-10"})])
def test_ids_that_are_counted_from_the_start_are_given_twice(make: Maker, body: str, breaks: set[str]) -> None:
    run = play(make.field(body, 3, begin=False), BETWEEN)
    assert run.unproven(BETWEEN) == 0 and broken(run) == breaks


def test_a_calibration_without_answers_has_nothing_to_probe(make: Maker) -> None:
    field = make.field("", 3)
    assert find(field, Calibration((), ())) is None
