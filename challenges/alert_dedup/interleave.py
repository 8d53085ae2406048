"""Plays schedules: the proxies hold every round trip, and one at a time is let go, so interleavings are chosen, not waited for.

A *scene* says who offers what when the gate has closed. The search itself is `harness.explore`.
"""

from __future__ import annotations

from collections.abc import Callable, Sequence
from dataclasses import dataclass
from typing import Any

from challenges.alert_dedup.courses import FINGERPRINT
from challenges.alert_dedup.field import QUIET_S, Field, Offer
from challenges.alert_dedup.judging import Played as Run
from challenges.alert_dedup.judging import played
from challenges.alert_dedup.view import MS
from harness.errors import CandidateHung
from harness.explore.schedules import Choose, Played, Step
from harness.runtime.cluster import TICK_NS
from harness.runtime.proxy import Granted, RoundTrip

GRANT_PATIENCE_S = 2.0
PLACE_PATIENCE_S = 5.0
LOOK_EVERY_S = 0.002
STILL_S = 0.1
HELD_LONG_MS = 500.0
HELD_NOTE = "held for long"
MAX_DECISIONS = 400
MOST_AFTER = 30  # decisions after the last reply: who polls its store never ends
SETTLE_MS = 1200.0
FIRST_QUIET_RUNS = 3


@dataclass(frozen=True, slots=True)
class Scene:
    """`before` happens with the gate open; `offers` are made with it closed. `names` offer; every one of them is alike if `alike`.

    `waits`: true time has to pass before each run, which in real time has to be waited out.
    """

    name: str
    names: tuple[str, ...]
    before: Callable[[Field], None]
    offers: Callable[[Field, tuple[str, ...]], list[Offer]]
    alike: bool = True
    waits: bool = False


def _new_events(field: Field, names: tuple[str, ...]) -> list[Offer]:
    return [field.offer(name, FINGERPRINT) for name in names]


def _one_event(field: Field, names: tuple[str, ...]) -> list[Offer]:
    first = field.offer(names[0], FINGERPRINT)
    return [first, *(field.redeliver(first, name) for name in names[1:])]


def _afresh(_field: Field) -> None:
    """Nothing has happened yet."""


def _past_a_window(field: Field) -> None:
    """The fingerprint was paged, and that window is over."""
    field.wait(field.offer(field.names[0], FINGERPRINT))
    field.pass_ms(field.rules.window_ns / MS + 150)


TWO, THREE = ("p0", "p1"), ("p0", "p1", "p2")
ONE_EVENT = Scene("one event at two processors", TWO, _afresh, _one_event, alike=False)
SCENES = (
    Scene("two processors", TWO, _afresh, _new_events),
    Scene("two processors past a window", TWO, _past_a_window, _new_events, alike=False, waits=True),
    ONE_EVENT,
    Scene("three processors", THREE, _afresh, _new_events),
)


class Stage:
    """Plays one scene on a field under whatever chooses; `play` is what `harness.explore` asks for."""

    def __init__(self, field: Field, scene: Scene, requirements: Sequence[str]) -> None:
        self.field = field
        self.scene = scene
        self._requirements = tuple(requirements)
        self._trailing = False
        self._runs = 0

    def play(self, choose: Choose) -> Played:
        """One whole run. Raises CandidateFailure."""
        field, gate = self.field, self.field.cluster.gate
        field.begin()
        self.scene.before(field)
        gate.close()
        self._runs += 1
        offers = self.scene.offers(field, self.scene.names)
        steps = self._decide(choose, offers)
        gate.open()
        field.wait(*offers)
        run = self._judge()
        return Played(tuple(steps), bool(run.of(*self._requirements)), run)

    def _decide(self, choose: Choose, offers: Sequence[Offer]) -> list[Step]:
        steps: list[Step] = []
        stuck: dict[str, RoundTrip] = {}
        after_all = 0
        while len(steps) < MAX_DECISIONS and after_all < MOST_AFTER and (ready := self._ready(offers, stuck)):
            after_all += all(offer.over for offer in offers)
            chosen = choose(ready)
            trip, went = self.field.cluster.gate.run(
                self.field.cluster.loop, chosen, blocked=self._blocked, timeout_s=GRANT_PATIENCE_S
            )
            if went is not Granted.DONE:
                stuck[chosen] = trip
            steps.append(Step(ready, chosen, went, trip.text[:120]))
        return steps

    def _ready(self, offers: Sequence[Offer], stuck: dict[str, RoundTrip]) -> tuple[str, ...]:
        """Who waits for permission, once everybody waits, is stuck in the store, or is done; nobody at the end."""
        loop, gate = self.field.cluster.loop, self.field.cluster.gate
        self._place(offers, stuck)
        waiting = gate.waiting()
        self._note_held(waiting)
        if not waiting and (self._trailing or self._runs <= FIRST_QUIET_RUNS):
            loop.settle(QUIET_S, PLACE_PATIENCE_S)
            waiting = gate.waiting()
            self._trailing = self._trailing or bool(waiting)
        return tuple(name for name in waiting)

    def _place(self, offers: Sequence[Offer], stuck: dict[str, RoundTrip]) -> None:
        """Runs until everybody waits, is stuck or done. Who then waits for another one, past the store's requests, is not ready.

        Raises CandidateHung if nobody waits for permission and nothing comes.
        """
        cluster, loop = self.field.cluster, self.field.cluster.loop
        began_ns = loop.now_ns()
        while (waited_s := (loop.now_ns() - began_ns) / 1e9) < PLACE_PATIENCE_S:
            self._unstick(stuck)
            if cluster.run_until(lambda: self._all_placed(offers, stuck), LOOK_EVERY_S if stuck else STILL_S):
                return
            still_s = (loop.now_ns() - max(loop.last_event_ns, began_ns)) / 1e9
            if cluster.gate.waiting() and still_s >= STILL_S:
                return
            if not cluster.gate.waiting() and waited_s > TICK_NS / 1e9:
                cluster.send_ticks()
        raise CandidateHung(f"a processor neither asked its store nor answered its offer for {PLACE_PATIENCE_S:g} s")

    def _note_held(self, waiting: dict[str, RoundTrip]) -> None:
        """A round trip that was not let go for long counts as delayed by us: nobody is to answer for that."""
        now_ns = self.field.cluster.loop.now_ns()
        for name, trip in waiting.items():
            held_ms = (now_ns - trip.t_ns) / MS
            if held_ms > HELD_LONG_MS and HELD_NOTE not in trip.notes:
                trip.notes.append(HELD_NOTE)
                self.field.note_held(name, held_ms)

    def _unstick(self, stuck: dict[str, RoundTrip]) -> None:
        """Takes out whose answer came. One that the store let go may at once meet the lock of the next who was let go with it."""
        for name, trip in list(stuck.items()):
            if not trip.over and trip.backend not in self._blocked():
                self._until_told(trip)
            if trip.over:
                del stuck[name]

    def _until_told(self, trip: RoundTrip) -> None:
        """Runs until the answer came or the store makes it wait again."""
        loop = self.field.cluster.loop
        loop.run_until(lambda: trip.over or trip.backend in self._blocked(), GRANT_PATIENCE_S, look_every_s=LOOK_EVERY_S)

    def _all_placed(self, offers: Sequence[Offer], stuck: dict[str, RoundTrip]) -> bool:
        waiting = self.field.cluster.gate.waiting()
        return all(
            offer.over or offer.proc in waiting or (offer.proc in stuck and not stuck[offer.proc].over) for offer in offers
        )

    def _blocked(self) -> frozenset[int]:
        store = self.field.cluster.store
        return store.blocked() if store is not None else frozenset()

    def _judge(self) -> Run:
        """Checked at once; where the candidate still has time for something, again after that."""
        run = played(self.field, self.scene.name)
        if not run.findings:
            return run
        self.field.pass_ms(SETTLE_MS)
        return played(self.field, self.scene.name)


def steps_shown(steps: Sequence[Step]) -> list[str]:
    """A schedule in words, a line a decision."""
    return [f"{step.chosen}: {step.trip}" + ("" if step.went is Granted.DONE else f" ({step.went.value})") for step in steps]


def counts_row(scene: str, report: Any) -> list[Any]:
    """A row of the table of what was searched."""
    return [
        scene,
        report.enumerated,
        report.randomised,
        report.pruned,
        report.blocked,
        report.diverged,
        "yes" if report.exhausted else "no",
        report.schedule_hash,
    ]


COUNT_COLUMNS = ("scene", "enumerated", "random", "pruned", "blocked", "diverged", "all of them", "hash")
