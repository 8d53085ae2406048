"""Whoever takes an alert over on a tick, killed while he does: what he took must not be gone with him.

Which of his round trips are those of the takeover is seen by what they bring: a statement or command that no idle tick makes, or a
reply that is longer than an idle one's.
"""

from __future__ import annotations

from collections.abc import Iterable, Mapping
from dataclasses import dataclass

from challenges.alert_dedup.courses import FINGERPRINT
from challenges.alert_dedup.crashes import OWNER, SECOND, THIRD, TRIES, Calibration, CrashPoint, crash, shape
from challenges.alert_dedup.failing import usual
from challenges.alert_dedup.field import Field
from challenges.alert_dedup.history import Emit
from challenges.alert_dedup.judging import Case
from challenges.alert_dedup.view import MS
from harness.runtime.proxy import PASS, Point, RoundTrip, Verdict, in_turn
from harness.runtime.trial import Undecided

WATCHED = "takeover"
IDLE_MS = 1500.0
STEP_MS = 200.0
DIGITS = 8  # bytes by which a reply may be longer for the numbers in it
MOST_PROBES = 3
MOST_STEPS = 4
SETTLE_MS = 300.0

Idle = Mapping[str, int]
"""The longest reply, in bytes, by the shape of an idle round trip."""


@dataclass(frozen=True, slots=True)
class Takeover:
    """After the owner's death at `where` somebody pages by himself, `steps` telling round trips after which he has not yet."""

    where: CrashPoint
    idle: Idle
    steps: int


def longest(trips: Iterable[RoundTrip]) -> dict[str, int]:
    """See `Idle`."""
    found: dict[str, int] = {}
    for trip in trips:
        found[shape(trip)] = max(found.get(shape(trip), 0), trip.reply_bytes)
    return found


def tells(trip: RoundTrip, idle: Idle) -> bool:
    """Whether an idle tick has no such round trip."""
    return shape(trip) not in idle or trip.reply_bytes > idle[shape(trip)] + DIGITS


@dataclass(slots=True)
class _Watch:
    """A policy: counts the second one's telling round trips until he pages; plans his death just after the answer to the `strike`-th."""

    field: Field
    idle: Idle
    strike: int = 0
    seen: int = 0

    def __call__(self, trip: RoundTrip, point: Point) -> Verdict:
        """Lets all pass: the death itself is the faults', who are asked after it."""
        if point is Point.AFTER and trip.window == WATCHED and tells(trip, self.idle) and not paged(self.field):
            self.seen += 1
            if self.seen == self.strike:
                faults = self.field.cluster.nodes[SECOND].faults
                faults.kill(self.field.victim(SECOND), trip.k, Point.AFTER, window=WATCHED)
        return PASS


def paged(field: Field) -> bool:
    """Whether anybody has paged for the alert."""
    return any(isinstance(entry, Emit) and entry.fingerprint == FINGERPRINT for entry in field.history)


def find(field: Field, calibration: Calibration) -> Takeover | None:
    """The first point (of those that are probed) after which another one pages on a tick.

    None if nobody does, or if no step of it can be told from an idle tick (over SQLite both may read, write and commit).
    """
    idle = _idle(field)
    points = [where for where in calibration.points if where.point is Point.AFTER]
    for where in points[:MOST_PROBES]:
        watch = _taken_over(field, calibration, where, _Watch(field, idle))
        if watch.seen and paged(field):
            return Takeover(where, idle, min(watch.seen, MOST_STEPS))
    return None


def _idle(field: Field) -> dict[str, int]:
    field.begin(fresh=[SECOND])
    field.proxy(SECOND).open_window(WATCHED)
    field.pass_ms(IDLE_MS)
    return longest(field.proxy(SECOND).close_window())


def _taken_over(field: Field, calibration: Calibration, where: CrashPoint, watch: _Watch) -> _Watch:
    """The owner dies there, and so does one who saw the same alert and left it to him: the second one is alone, and may page."""
    crash(field, where, calibration, fresh=(OWNER, SECOND))  # as it takes over for the first time, each time
    field.wait(field.offer(THIRD, FINGERPRINT))
    field.kill(THIRD)
    node, proxy = field.cluster.nodes[SECOND], field.proxy(SECOND)
    proxy.open_window(WATCHED)
    proxy.policy = in_turn(watch, node.faults, field.cluster.gate)
    until_ms = field.now_ms + field.rules.after_fault_ns / MS
    try:
        while node.up and not paged(field) and field.now_ms < until_ms:
            field.pass_ms(STEP_MS)
    finally:
        usual(field)
    return watch


def cases(calibration: Calibration, found: Takeover | None) -> list[Case]:
    """One for each telling round trip; none where nobody takes over on a tick."""
    return [] if found is None else [_case(calibration, found, step) for step in range(1, found.steps + 1)]


def _case(calibration: Calibration, found: Takeover, step: int) -> Case:
    def course(field: Field) -> None:
        _struck(field, calibration, found, step)
        field.restart(THIRD)
        field.pass_ms(field.rules.after_fault_ns / MS + SETTLE_MS)
        field.wait(field.offer(THIRD, FINGERPRINT))
        field.pass_ms(field.rules.after_fault_ns / MS + SETTLE_MS)

    return Case(f"killed {found.where.name}, whoever takes over too, after step {step} of it", course, faults=3)


def _struck(field: Field, calibration: Calibration, found: Takeover, step: int) -> None:
    for _ in range(TRIES):
        _taken_over(field, calibration, found.where, _Watch(field, found.idle, step))
        if not field.cluster.nodes[SECOND].up:
            return
    raise Undecided(f"step {step} of taking an alert over was not reached in {TRIES} runs, though it had been before")
