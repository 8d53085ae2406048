"""Processors and a store in one thread: what a schedule is played against here, and every schedule by brute force."""

from __future__ import annotations

from collections.abc import Callable, Iterator, Mapping
from dataclasses import dataclass, field
from itertools import pairwise

from harness.explore.schedules import Choose, Played, Schedule, Step
from harness.runtime.proxy.gate import Granted

ENDLESS = 2000  # decisions; no system here takes as many unless it never ends


@dataclass(frozen=True, slots=True)
class Lock:
    """A round trip that waits in the store for a lock."""

    name: str = "lock"


@dataclass(frozen=True, slots=True)
class Unlock:
    """A round trip that gives a lock to whoever has waited longest."""

    name: str = "lock"


@dataclass(slots=True)
class Store:
    """What the processors share: rows, whatever was noted, and who has or wants each lock."""

    rows: set[str] = field(default_factory=set)
    notes: list[str] = field(default_factory=list)
    queues: dict[str, list[str]] = field(default_factory=dict)


Trip = str | Lock | Unlock
Program = Callable[[Store, str], Iterator[Trip]]
"""Yields each round trip before it takes effect; what follows the yield is the effect."""


class Simulated:
    """Plays programs. `played` keeps every schedule that was played, in order."""

    def __init__(self, programs: Mapping[str, Program], violated: Callable[[Store], bool] = lambda store: False) -> None:
        self.programs = programs
        self.violated = violated
        self.played: list[Schedule] = []

    def __call__(self, choose: Choose) -> Played:
        """See `schedules.Play`."""
        run = _Run(self.programs)
        steps: list[Step] = []
        while ready := run.ready():
            if len(steps) >= ENDLESS:
                raise AssertionError("the run does not end")
            chosen = choose(ready)
            trip = run.waiting[chosen]
            steps.append(Step(ready, chosen, run.grant(chosen), str(trip)))
        self.played.append(tuple(step.chosen for step in steps))
        return Played(tuple(steps), self.violated(run.store), evidence=run.store)


class _Run:
    def __init__(self, programs: Mapping[str, Program]) -> None:
        self.store = Store()
        self.waiting: dict[str, Trip] = {}
        self._going = {name: program(self.store, name) for name, program in programs.items()}
        for name in programs:
            self._go_on(name)

    def ready(self) -> Schedule:
        return tuple(sorted(self.waiting))

    def grant(self, name: str) -> Granted:
        trip = self.waiting.pop(name)
        if isinstance(trip, Lock):
            queue = self.store.queues.setdefault(trip.name, [])
            queue.append(name)
            if len(queue) > 1:
                return Granted.BLOCKED
        if isinstance(trip, Unlock):
            queue = self.store.queues[trip.name]
            queue.pop(0)
            if queue:
                self._go_on(queue[0])
        self._go_on(name)
        return Granted.DONE

    def _go_on(self, name: str) -> None:
        trip = next(self._going[name], None)
        if trip is not None:
            self.waiting[name] = trip


def every_run(play: Callable[[Choose], Played]) -> list[Played]:
    """All runs there are, without any of the code under test: counts through the choices like through digits."""
    runs: list[Played] = []
    digits: list[int] = []
    while True:
        sizes: list[int] = []

        def choose(ready: Schedule, sizes: list[int] = sizes) -> str:
            place = len(sizes)
            sizes.append(len(ready))
            if place == len(digits):
                digits.append(0)
            return ready[digits[place]]

        runs.append(play(choose))
        while digits and digits[-1] == sizes[len(digits) - 1] - 1:
            digits.pop()
        if not digits:
            return runs
        digits[-1] += 1


def preemptions_of(played: Played) -> int:
    """By the definition: the turn passes from one that is still ready."""
    return sum(one.chosen != other.chosen and one.chosen in other.ready for one, other in pairwise(played.steps))


def plain(trips: int) -> Program:
    """Round trips without effect."""

    def program(_store: Store, _me: str) -> Iterator[Trip]:
        yield from (f"trip {number}" for number in range(trips))

    return program


def noting(*texts: str) -> Program:
    """Round trips that each leave a note."""

    def program(store: Store, _me: str) -> Iterator[Trip]:
        for text in texts:
            yield text
            store.notes.append(text)

    return program


def read_then_insert(rest: int = 0) -> Program:
    """The mistake of all mistakes: looks whether the alert was sent, and sends it in another round trip."""

    def program(store: Store, me: str) -> Iterator[Trip]:
        yield "read"
        if "alert" not in store.rows:
            yield "insert"
            store.rows.add("alert")
            store.notes.append(f"{me} emits")
        yield from ("rest" for _ in range(rest))

    return program


def insert_if_absent(rest: int = 0) -> Program:
    """The same in one round trip."""

    def program(store: Store, me: str) -> Iterator[Trip]:
        yield "insert if absent"
        if "alert" not in store.rows:
            store.rows.add("alert")
            store.notes.append(f"{me} emits")
        yield from ("rest" for _ in range(rest))

    return program


def under_lock(inner: Program) -> Program:
    """A program between taking and giving a lock."""

    def program(store: Store, me: str) -> Iterator[Trip]:
        yield Lock()
        yield from inner(store, me)
        yield Unlock()

    return program


def polling() -> Program:
    """Takes a lock by asking for it again and again, and notes its name when it has it."""

    def program(store: Store, me: str) -> Iterator[Trip]:
        while True:
            yield "try"
            if "held" not in store.rows:
                break
            store.notes.append(f"{me} polled")
        store.rows.add("held")
        yield "work"
        store.notes.append(me)
        yield "release"
        store.rows.discard("held")

    return program


def emitted_twice(store: Store) -> bool:
    """Whether more than one processor sent the alert."""
    return len(store.notes) > 1


def several(count: int, program: Program) -> dict[str, Program]:
    """p0, p1, ... of one program."""
    return {f"p{number}": program for number in range(count)}
