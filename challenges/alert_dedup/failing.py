"""A SQLite file on which operations fail: what breaks there in the place of a connection, or of a server that is away.

An operation fails with an I/O error before it begins, so nothing of it is done. In WAL mode SQLite takes a lock that it cannot have for one
that somebody else has, and asks again: there the commit alone fails for whoever asked for it.
"""

from __future__ import annotations

from collections.abc import Sequence

from challenges.alert_dedup.crashes import CrashPoint
from challenges.alert_dedup.field import Field
from challenges.alert_dedup.history import STORE, STORE_FAILS
from harness.runtime.proxy import CUT, PASS, Point, RoundTrip, Verdict, in_turn
from harness.runtime.trial import Undecided

COMMIT = "commit"
NO_RESTART = "that the store restarts is not applicable to SQLite, which has no server"
NO_DROPPED_REPLY = "that a reply is lost is not applicable to SQLite: an operation that has ended has ended"


def has_server(field: Field) -> bool:
    """Whether there is a server, and so connections that break and replies that are lost."""
    store = field.cluster.store
    return store is not None and store.has_server


def points_that_fail(field: Field, points: Sequence[CrashPoint]) -> list[CrashPoint]:
    """The points at which something can break: all over a server, those before an operation over SQLite.

    Raises Undecided where no commit is among these: a lock that is asked for again is no failure.
    """
    if has_server(field):
        return list(points)
    found = [where for where in points if where.point is Point.BEFORE]
    if not any(where.text == COMMIT for where in found):
        raise Undecided("no commit of an offer's was seen that could be made to fail")
    return found


def shown_point(points: Sequence[CrashPoint]) -> CrashPoint:
    """The one that is played in real time too: the first reply, or over SQLite the first commit."""
    return next((where for where in points if where.point is Point.AFTER or where.text == COMMIT), points[-1])


def locked_at(field: Field, points: Sequence[CrashPoint]) -> str:
    """A clause that says at how many of these a processor over SQLite certainly keeps all others from writing; '' over a server."""
    inside = sum(where.point is Point.BEFORE and where.text == COMMIT for where in points)
    if has_server(field) or not inside:
        return ""
    return f" (at {inside} of them in a transaction that has written, so that the others wait)"


def usual(field: Field) -> None:
    """Nothing fails any more, beside what is planned."""
    for node in field.cluster.nodes.values():
        if node.proxy is not None:
            node.proxy.policy = in_turn(node.faults, field.cluster.gate)


def begin_to_fail(field: Field) -> None:
    """From now on every operation of every processor fails, until `fail_no_more`; taken down as the store's."""

    def policy(_trip: RoundTrip, point: Point) -> Verdict:
        return CUT if point is Point.BEFORE else PASS

    for name in field.names:
        field.proxy(name).policy = policy
    field.note_fault(STORE, STORE_FAILS, evidence={"error": "EIO"})
    field.note(STORE, "down")


def fail_no_more(field: Field) -> None:
    """The end of that. Raises Undecided if no operation fell into it."""
    usual(field)
    failed = sum(trip.fate == "cut before" for trip in field.trips())
    field.note(STORE, "up", failed=failed)
    if not failed:
        raise Undecided("no operation on the file was begun while all of them were to fail")
