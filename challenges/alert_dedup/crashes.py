"""Crash points: every store round trip of one offer, just before its request leaves and just after the store has committed.

The round trips are found by a calibration: the same offer to a fresh, warmed-up owner, twice. Only requests between sending the
offer and 50 ms of quiet after its reply count. A run whose round trips differ from the calibration is played again.
"""

from __future__ import annotations

import itertools
import re
from collections.abc import Callable, Sequence
from dataclasses import dataclass
from typing import Any

from challenges.alert_dedup.courses import FINGERPRINT
from challenges.alert_dedup.field import WARM_UP_OFFERS, Field, Offer
from challenges.alert_dedup.judging import Case
from challenges.alert_dedup.view import MS
from harness.runtime.proxy import Point, RoundTrip
from harness.runtime.stores import StoreBusy
from harness.runtime.trial import Undecided

OWNER, SECOND, THIRD = "p0", "p1", "p2"
EVENT = "the event"
WINDOW = "offer"
TRIES = 4
COUNTED = 2 * WARM_UP_OFFERS
MAX_TRIPS = 60
AFTER_REPLY_S = 0.05
AFTER_GRACE_MS = 200.0
SQL_KINDS = frozenset({"sync", "query", "call"})
# What one transaction consists of over SQLite, in order.
PARTS = frozenset({("read", "write"), ("write", "commit")})
# Literals, values bound to a statement (shown in brackets after it), numbers; texts are cut, so either may lack its end.
_VALUES = re.compile(r"'[^']*(?:'|$)|\[[^\]]*(?:\]|$)|\d+")


@dataclass(frozen=True, slots=True)
class CrashPoint:
    """The `k`-th round trip of the offer, before its request leaves or after the store has answered."""

    k: int
    point: Point
    text: str

    @property
    def name(self) -> str:
        """As in a case's name."""
        return f"{self.point.value} {self.k}"


@dataclass(frozen=True, slots=True)
class Calibration:
    """The round trips of one warmed-up offer. `points`: two for each, but where the end of one is the beginning of the next.

    `runs_on`: the k of those.
    """

    trips: tuple[str, ...]
    shapes: tuple[str, ...]
    runs_on: frozenset[int] = frozenset()

    @property
    def points(self) -> list[CrashPoint]:
        """Every crash point, in order."""
        return [
            CrashPoint(number, point, text)
            for number, text in enumerate(self.trips, 1)
            for point in (Point.BEFORE, Point.AFTER)
            if point is Point.BEFORE or number not in self.runs_on
        ]


def shape(trip: RoundTrip) -> str:
    """What is the same in every run of a round trip: the statement without its values, or the command without its arguments."""
    if trip.kind in SQL_KINDS:
        return f"{trip.kind} {_VALUES.sub('#', trip.text)}"
    script = trip.text.split(" ")[1:2] if trip.kind.upper().startswith("EVAL") else []
    return " ".join([trip.kind, *script])


def calibrate(field: Field) -> Calibration:
    """The round trips of one offer. Raises Undecided if it is not accepted, if there are none, or if no two runs have the same."""
    seen: list[tuple[str, ...]] = []
    for _ in range(TRIES):
        trips = _one_offer(field)
        shapes = tuple(shape(trip) for trip in trips)
        if len(trips) > MAX_TRIPS:
            raise Undecided(f"one offer took {len(trips)} round trips, more than the {MAX_TRIPS} that are tried one by one")
        if shapes in seen:
            if not trips:
                raise Undecided(
                    "one offer made no round trip to its store, so there is no point at which its owner could be killed"
                )
            return Calibration(tuple(trip.text for trip in trips), shapes, running_on(shapes))
        seen.append(shapes)
    counts = ", ".join(str(len(shapes)) for shapes in seen)
    raise Undecided(f"the round trips of one offer were not the same in any two of {TRIES} runs ({counts} of them)")


def running_on(shapes: Sequence[str]) -> frozenset[int]:
    """Over SQLite: which parts of a transaction are followed by another part of it, with nothing between the two."""
    pairs = itertools.pairwise(shapes)
    return frozenset(k for k, (one, next_one) in enumerate(pairs, 1) if (one, next_one) in PARTS)


def _one_offer(field: Field) -> list[RoundTrip]:
    field.begin(fresh=[OWNER])
    proxy = field.proxy(OWNER)
    proxy.open_window(WINDOW)
    offer = field.offer(OWNER, FINGERPRINT, event_id=EVENT)
    field.wait(offer)
    if offer.outcome != "ok":
        answered = f"error {offer.code}" if offer.code else "silence"
        raise Undecided(
            f"an offer without any fault was answered with {answered} (DD-10 judges that): there was nothing to lose"
        )
    # Not until it is quiet: who polls its store never is, and only so much after the reply belongs to the offer.
    field.cluster.run_until(lambda: False, AFTER_REPLY_S)
    return proxy.close_window()


def crash(field: Field, where: CrashPoint, calibration: Calibration, fresh: Sequence[str] = (OWNER,)) -> Offer:
    """A fresh run in which the owner is killed at that point of its offer; the offer. Raises Undecided if it is not reached."""
    expected = list(calibration.shapes[: where.k])
    for _ in range(TRIES):
        field.begin(fresh=fresh)
        field.rows_before = rows_of(field)
        offer = kill_at(field, OWNER, where, lambda: field.offer(OWNER, FINGERPRINT, event_id=EVENT))
        fired = field.cluster.nodes[OWNER].faults.fired
        seen = [shape(trip) for trip in field.proxy(OWNER).of_window(WINDOW)[: where.k]]
        if fired and fired[0].status == "installed" and seen == expected:
            return offer
    raise Undecided(f"the crash point {where.name} ({where.text[:80]}) was not reached in {TRIES} runs")


def kill_at(field: Field, proc: str, where: CrashPoint, offer: Callable[[], Offer]) -> Offer:
    """Makes the offer, with that processor killed at that point of it (if it comes to that)."""
    node, proxy = field.cluster.nodes[proc], field.proxy(proc)
    node.faults.kill(field.victim(proc), where.k, where.point, window=WINDOW)
    proxy.open_window(WINDOW)
    made = offer()
    field.wait(made)
    if node.up and not node.faults.fired:
        field.quiet()  # a round trip after the reply
    return made


def rows_of(field: Field) -> int:
    """How many rows or keys the store holds. Raises Undecided where a lock keeps them from being counted."""
    try:
        return field.cluster.store.entries() if field.cluster.store is not None else 0
    except StoreBusy as error:
        raise Undecided(f"what a dead processor left behind cannot be counted: {error}") from error


# -- what follows a crash ----------------------------------------------------------------------------------------------------------

FollowUp = Callable[[Field, Offer], None]


def nothing(field: Field, _offer: Offer) -> None:
    """Nobody offers anything: lease + 2 s go by."""
    field.pass_ms(_after_fault_ms(field) + 300)


def new_event(field: Field, _offer: Offer) -> None:
    """Another processor sees the same alert at once, and a third one soon after."""
    field.wait(field.offer(SECOND, FINGERPRINT))
    field.pass_ms(400)
    field.wait(field.offer(THIRD, FINGERPRINT))
    field.pass_ms(max(_after_fault_ms(field), field.rules.window_ns / MS) + 300)


def redelivery(field: Field, offer: Offer) -> None:
    """The event itself comes to another processor."""
    field.wait(field.redeliver(offer, SECOND))
    field.pass_ms(400)
    field.wait(field.offer(THIRD, FINGERPRINT))
    field.pass_ms(max(_after_fault_ms(field), field.rules.window_ns / MS) + 300)


def after_window(field: Field, _offer: Offer) -> None:
    """Another processor sees the same alert when the window is over, however late it may end: how late is DD-11's affair."""
    field.pass_ms((field.rules.window_ns + field.rules.skew_ns) / MS + AFTER_GRACE_MS)
    field.wait(field.offer(SECOND, FINGERPRINT))
    field.pass_ms(1500)


def restarted(field: Field, offer: Offer) -> None:
    """The owner is restarted at once, gets its event again, and others see the same alert, in this window and the next."""
    field.restart(OWNER)
    field.wait(field.redeliver(offer, OWNER))
    field.wait(field.offer(SECOND, FINGERPRINT))
    field.pass_ms(2500)
    field.wait(field.redeliver(offer, THIRD))
    field.pass_ms(_after_fault_ms(field))
    field.wait(field.offer(OWNER, FINGERPRINT))
    field.pass_ms(_after_fault_ms(field) + 300)


def restarted_quietly(field: Field, _offer: Offer) -> None:
    """The owner is restarted at once, and a new event comes only in the next window."""
    field.restart(OWNER)
    field.pass_ms(max(_after_fault_ms(field), field.rules.window_ns / MS) + 700)
    # One after the other: races are the schedules' affair, and not to be left to chance here.
    field.wait(field.offer(OWNER, FINGERPRINT))
    field.wait(field.offer(SECOND, FINGERPRINT))
    field.pass_ms(1500)


def between_offers(field: Field) -> None:
    """The owner is killed when all is done, and restarted: what it counts from its start, it counts once more.

    More fingerprints before and after than it had for its warm-up, so that equal counts fall into the run.
    """
    field.begin(fresh=[OWNER])
    for number in range(COUNTED):
        field.wait(field.offer(OWNER, f"{FINGERPRINT}/{number}"))
    field.kill(OWNER)
    field.restart(OWNER)
    for number in range(COUNTED, 2 * COUNTED):
        field.wait(field.offer(OWNER, f"{FINGERPRINT}/{number}"))
    field.pass_ms(max(_after_fault_ms(field), field.rules.window_ns / MS) + 700)
    field.wait(field.offer(OWNER, f"{FINGERPRINT}/0"))


BETWEEN = Case("killed between two offers, restarted at once", between_offers, faults=1, begins=True)


def _after_fault_ms(field: Field) -> float:
    return field.rules.after_fault_ns / MS


def cases(calibration: Calibration, points: Sequence[CrashPoint], follow: str, follow_up: FollowUp) -> list[Case]:
    """One case for each point, with the same follow-up."""

    def case(where: CrashPoint) -> Case:
        def course(field: Field) -> None:
            follow_up(field, crash(field, where, calibration))

        return Case(f"killed {where.name}, {follow}", course, faults=1)

    return [case(where) for where in points]


def second_owner_too(calibration: Calibration, points: Sequence[CrashPoint]) -> list[Case]:
    """Two owners killed: the second one while it handles the redelivery, at the same point, or else right after its reply."""

    def case(where: CrashPoint) -> Case:
        def course(field: Field) -> None:
            offer = crash(field, where, calibration)
            kill_at(field, SECOND, where, lambda: field.redeliver(offer, SECOND))
            if field.cluster.nodes[SECOND].up:
                field.kill(SECOND)
            field.wait(field.redeliver(offer, THIRD))
            field.pass_ms(_after_fault_ms(field) + 300)
            field.wait(field.offer(THIRD, FINGERPRINT))
            field.pass_ms(_after_fault_ms(field) + 1500)

        return Case(f"killed {where.name}, the second owner too", course, faults=2)

    return [case(where) for where in points]


def log_rows(calibration: Calibration) -> list[list[Any]]:
    """The round trips of one offer, as rows for a table."""
    return [[number, text[:160]] for number, text in enumerate(calibration.trips, 1)]
