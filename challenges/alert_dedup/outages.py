"""DD-24's courses: the store is killed and started again on its own data, or every reply of it comes 500 ms late.

Over SQLite all operations fail for a while in place of the first.
"""

from __future__ import annotations

from collections.abc import Sequence

from challenges.alert_dedup.courses import FINGERPRINT
from challenges.alert_dedup.crashes import OWNER, SECOND, THIRD, Calibration, CrashPoint
from challenges.alert_dedup.failing import usual
from challenges.alert_dedup.field import Field, Offer
from challenges.alert_dedup.history import STORE, STORE_FAILS
from challenges.alert_dedup.judging import Case
from challenges.alert_dedup.strikes import give_store, kill_store, recovered, restore, strike, take_store
from challenges.alert_dedup.view import MS
from harness.runtime.proxy import Point, every_reply_late, in_turn
from harness.runtime.trial import Undecided

DOWN_S = 0.6
DOWN_TICKS = 3
LATE_MS = 500
LATE = "replies late"
BETWEEN = "between two offers"
LATE_CASE = "every reply 500 ms late"
MARGIN = 0.9
AGAIN_MS = 2000.0


def name_of(where: str, *, server: bool = True) -> str:
    """The case at that point."""
    return f"store killed {where}" if server else f"all operations fail for {DOWN_S:g} s, {where}"


def restarts(calibration: Calibration, points: Sequence[CrashPoint], *, server: bool = True) -> list[Case]:
    """The store killed (over SQLite: failing) at each crash point of an offer, and once between two offers."""
    kinds = ("kill",) if server else (STORE_FAILS,)

    def case(where: CrashPoint) -> Case:
        def course(field: Field) -> None:
            restore(field)
            offer = strike(field, where, calibration, kill_store, fresh=field.names)
            _outage(field, [offer])

        return Case(name_of(where.name, server=server), course, faults=1, kinds=kinds)

    return [Case(name_of(BETWEEN, server=server), between_offers, faults=1, kinds=kinds), *(case(where) for where in points)]


def between_offers(field: Field) -> None:
    """What was acknowledged just before is still known afterwards, and in the windows that follow."""
    _all_anew(field)
    offer = field.offer(OWNER, FINGERPRINT)
    field.wait(offer)
    take_store(field)
    _outage(field, [offer])
    once_more(field, offer)


def _all_anew(field: Field) -> None:
    restore(field)
    field.begin(fresh=field.names)
    field.cluster.ticks_may_fail = True


def _outage(field: Field, offers: list[Offer]) -> None:
    """The store is down for a moment, in which others are offered something too, and comes back; then `_settle_up`."""
    offers += [field.offer(SECOND, f"{FINGERPRINT}/2"), field.offer(THIRD, FINGERPRINT)]
    try:
        for _ in range(DOWN_TICKS):
            field.cluster.run_until(lambda: False, DOWN_S / DOWN_TICKS)
            field.cluster.send_ticks()
    finally:
        give_store(field)
    field.wait(*offers)
    field.pass_ms(400)
    _settle_up(field, offers)


def _settle_up(field: Field, offers: Sequence[Offer]) -> None:
    """What was not accepted is offered again, at once and when no fault excuses a refusal any more; then the next window."""
    # First an event of another processor's: it shows whether what had been acknowledged, or paged, is still known.
    field.wait(field.offer(SECOND, FINGERPRINT))
    left = _again(field, offers)
    field.pass_ms(field.rules.after_fault_ns / MS + 300)
    _again(field, left)
    recovered(field, field.names)


def once_more(field: Field, offer: Offer) -> None:
    """The event of that offer again, past its window and the next: whether it is still known that it was dealt with."""
    field.pass_until_ms(2 * field.rules.window_ns / MS + AGAIN_MS)
    for proc in (SECOND, THIRD):
        field.wait(field.redeliver(offer, proc))


def without_outage(field: Field) -> None:
    """What `once_more` asks, with nothing in the way."""
    offer = field.offer(OWNER, FINGERPRINT)
    field.wait(offer)
    once_more(field, offer)


CONTROL = Case("no outage", without_outage)


def _again(field: Field, offers: Sequence[Offer]) -> list[Offer]:
    """Each that was not accepted, once more to its own processor; those that are not accepted then."""
    made = [field.redeliver(offer, offer.proc) for offer in offers if offer.outcome != "ok"]
    field.wait(*made)
    return [offer for offer in made if offer.outcome != "ok"]


# -- late replies ------------------------------------------------------------------------------------------------------------------


def late(field: Field) -> None:
    """Every reply comes late for a while: one fingerprint on one processor after the other, another one on all at once."""
    _all_anew(field)
    nodes = list(field.cluster.nodes.values())
    for node in nodes:
        field.proxy(node.name).policy = in_turn(every_reply_late(LATE_MS), node.faults, field.cluster.gate)
    try:
        offers = _while_late(field)
    finally:
        usual(field)
    _settle_up(field, offers)


def _while_late(field: Field) -> list[Offer]:
    offers = []
    for proc in field.names:
        field.note_fault(STORE, LATE, evidence={"delay_ms": LATE_MS})
        offers.append(field.offer(proc, FINGERPRINT))
        field.wait(offers[-1])
    field.note_fault(STORE, LATE, evidence={"delay_ms": LATE_MS})
    at_once = [field.offer(proc, f"{FINGERPRINT}/2") for proc in field.names]
    field.wait(*at_once)
    seen = [trip for trip in field.trips() if trip.answered_ns and trip.ended_ns]
    held = [trip for trip in seen if trip.ended_ns - trip.answered_ns >= MARGIN * LATE_MS * MS]
    if {trip.processor for trip in held} != set(field.names):
        raise Undecided("not every processor's replies from the store were late, though they were to be")
    field.note_fault(STORE, LATE, evidence={"delay_ms": LATE_MS, "late_replies": len(held), "replies": len(seen)})
    return offers + at_once


def late_case() -> Case:
    """The case of `late`."""
    return Case(LATE_CASE, late, faults=1, kinds=(LATE,))


def late_rules(calibration: Calibration, lease_ns: int) -> list[str]:
    """What a run with late replies is held to. Where an offer's replies together take as long as the lease, others may take the alert
    over meanwhile, so that its id may go out again."""
    late_replies = sum(where.point is Point.AFTER for where in calibration.points)
    fits = late_replies * LATE_MS * MS < lease_ns
    return ["DD-01", *(["DD-03"] if fits else []), "DD-10", "DD-24"]
