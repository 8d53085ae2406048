"""DD-22's course: the owner's connection breaks at a round trip of its offer, and everything else goes on.

Over SQLite an operation of its offer fails.
"""

from __future__ import annotations

from collections.abc import Sequence

from challenges.alert_dedup.courses import FINGERPRINT
from challenges.alert_dedup.crashes import OWNER, SECOND, THIRD, Calibration, CrashPoint
from challenges.alert_dedup.field import Field, Offer
from challenges.alert_dedup.judging import Case
from challenges.alert_dedup.strikes import cut, recovered, strike
from challenges.alert_dedup.view import MS
from harness.runtime.proxy import Point

KINDS = ("reset", "drop the reply and reset", "operation fails")


def name_of(where: CrashPoint, *, server: bool = True) -> str:
    """The case at that point."""
    how = "operation fails" if not server else "reset" if where.point is Point.BEFORE else "reply dropped and reset"
    return f"{how}, {where.name}"


def cases(calibration: Calibration, points: Sequence[CrashPoint], *, server: bool = True) -> list[Case]:
    """One case for each point."""

    def case(where: CrashPoint) -> Case:
        def course(field: Field) -> None:
            offer = strike(field, where, calibration, cut)
            field.wait(offer)
            _go_on(field, offer)

        return Case(name_of(where, server=server), course, faults=1, kinds=KINDS)

    return [case(where) for where in points]


def _go_on(field: Field, offer: Offer) -> None:
    """The event again until it is accepted, others' events, and then everything as if nothing had been."""
    again = offer if offer.outcome == "ok" else field.redeliver(offer, OWNER)
    field.wait(again)
    field.pass_ms(400)
    field.wait(field.offer(SECOND, FINGERPRINT))
    field.pass_ms(field.rules.after_fault_ns / MS + 300)
    if again.outcome != "ok":
        field.wait(field.redeliver(offer, OWNER))
    recovered(field, [OWNER, THIRD])
