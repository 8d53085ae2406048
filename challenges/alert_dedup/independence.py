"""Whether fingerprints are independent: the events of one give the same pages alone as among others, chosen to be mistaken for it.

A *company* is played together, and then each member alone, at the same moments: offered twice and redelivered within one window, and
offered once more when it is over.
"""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass, field

from challenges.alert_dedup.checker import VIOLATION, Finding
from challenges.alert_dedup.field import Field, Offer
from challenges.alert_dedup.judging import Case, Grounds, Played, play
from challenges.alert_dedup.lookalikes import Pair, Told
from challenges.alert_dedup.view import Event, View

SOON_MS = (0.0, 100.0, 200.0, 300.0)
AGAIN_MS = 6_200.0


@dataclass(frozen=True, slots=True)
class Company:
    """Those that are played together. `at_once`: each round of offers at the same moment, else one after the other."""

    name: str
    pairs: tuple[Pair, ...]
    at_once: bool = True

    @property
    def members(self) -> list[Told]:
        """Both of every pair."""
        return [told for pair in self.pairs for told in (pair.one, pair.other)]


@dataclass(slots=True)
class Alone:
    """Runs of one member alone, played when they are asked for and then kept."""

    grounds: Grounds
    _runs: dict[tuple[Told, bool], Played] = field(default_factory=dict)

    def run(self, told: Told, *, real: bool) -> Played:
        """The run of that member."""
        if (told, real) not in self._runs:
            self._runs[told, real] = play(self.grounds.field(real=real), course([told], "alone", at_once=False))
        return self._runs[told, real]


def course(members: Sequence[Told], name: str, *, at_once: bool) -> Case:
    """The events of these."""
    return Case(name, lambda ground: _play(ground, members, at_once))


def _play(ground: Field, members: Sequence[Told], at_once: bool) -> None:
    first = _round(ground, members, 0, at_once)
    ground.pass_until_ms(SOON_MS[1])
    again = [ground.redeliver(offer, _of(ground, number + 1)) for number, offer in enumerate(first)]
    ground.wait(*again)
    for turn, at_ms in enumerate(SOON_MS[2:], 2):
        ground.pass_until_ms(at_ms)
        _round(ground, members, turn, at_once, first_time=False)
    ground.pass_until_ms(AGAIN_MS)
    # The other way round: what is taken for another one's must not come to light in one order only.
    _round(ground, members[::-1], len(SOON_MS), at_once, first_time=False)


def _round(ground: Field, members: Sequence[Told], turn: int, at_once: bool, *, first_time: bool = True) -> list[Offer]:
    offers = []
    for number, told in enumerate(members):
        event_id = told.event_id if first_time and told.event_id else None
        offer = ground.offer(_of(ground, number + turn), told.fingerprint, event_id=event_id, alert={"service": told.service})
        offers.append(offer)
        if not at_once:
            ground.wait(offer)
    ground.wait(*offers)
    return offers


def _of(ground: Field, number: int) -> str:
    return ground.names[number % len(ground.names)]


# -- what it comes to: pure ----------------------------------------------------------------------------------------------------------


def paged(view: View, fingerprint: str) -> tuple[bool, ...]:
    """Of each event of that fingerprint, in order, whether a page of the same fingerprint names it, and reaches anybody.

    A receiver folds by alert_id: a page under the id of another fingerprint's does not.
    """
    return tuple(
        any(view.groups[emit.alert_id].fingerprint == emit.fingerprint == fingerprint for emit in event.emits)
        for event in events_of(view, fingerprint)
    )


def events_of(view: View, fingerprint: str) -> list[Event]:
    """The events that were offered with that fingerprint, in order."""
    return [event for event in view.events.values() if event.attempts[0].fingerprint == fingerprint]


def differs(together: View, alone: View, fingerprint: str) -> Finding | None:
    """The first event of that fingerprint that is paged among others and not alone, or the other way round."""
    pairs = zip(events_of(together, fingerprint), paged(together, fingerprint), paged(alone, fingerprint), strict=False)
    for number, (event, here, there) in enumerate(pairs, 1):
        if here != there:
            folded = (
                ", but under another fingerprint's alert_id" if any(e.fingerprint == fingerprint for e in event.emits) else ""
            )
            missing = f"was {'paged' if folded else 'not paged'}{folded}, and is when it is alone"
            what = "was paged, and is not when it is alone" if here else missing
            text = f"event {number} of {name(fingerprint)} {what}"
            attempt = event.attempts[0]
            seen = tuple(one.i for one in event.attempts)
            return Finding("DD-40", VIOLATION, "critical", text, fingerprint, attempt.from_ns, attempt.from_ns, seen)
    return None


def never_paged(alone: View, fingerprint: str) -> Finding | None:
    """That a fingerprint has no page at all, with nobody beside it: major where it was refused, critical where it was accepted."""
    events = events_of(alone, fingerprint)
    if not events or any(paged(alone, fingerprint)):
        return None
    outcomes = {attempt.outcome for event in events for attempt in event.attempts}
    severity, how = (
        ("critical", "accepted and never paged") if "ok" in outcomes else ("major", "refused, or left without a reply")
    )
    text = f"{name(fingerprint)} was {how}, alone as it was"
    at_ns = events[0].attempts[0].from_ns
    return Finding("DD-40", VIOLATION, severity, text, fingerprint, at_ns, at_ns, (events[0].attempts[0].i,))


def name(fingerprint: str) -> str:
    """A fingerprint for the eye: what is not plain ASCII spelt out, the middle of a long one left out."""
    if len(fingerprint) <= 60:
        return ascii(fingerprint)
    return f"{fingerprint[:24]!a}… {len(fingerprint)} characters …{fingerprint[-8:]!a}"
