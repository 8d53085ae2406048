"""Who goes next: the usual policy, what counts as a preemption, and runs that follow given choices.

The usual policy goes on with the same processor, and where that one is not ready takes the first by name. Left to itself it never
preempts, so a run has no more preemptions than the choices that were forced on it.

A processor that polls (for a lock that another one holds, say) is always ready, and going on with it would never end. After
`patience` round trips in a row it has to let those that wait go: the turn passes to the one that has waited longest. That is no
preemption, while any other choice there is one, or two that poll could pass the turn to and fro for nothing.
"""

from __future__ import annotations

from collections.abc import Iterable, Sequence
from itertools import pairwise

from harness.explore.schedules import Play, Played, Schedule, Step

PATIENCE = 64  # round trips in a row; well above what one offer takes


class Trail:
    """The choices of one run so far, and what the next one would cost."""

    def __init__(self, patience: int = PATIENCE) -> None:
        self.patience = patience
        self.chosen: list[str] = []
        self.preemptions = 0
        self.switches = 0
        self.yields = 0  # turns passed on because of patience
        self._streak = 0
        self._last_turn: dict[str, int] = {}

    @property
    def last(self) -> str | None:
        """The processor that went last, None before the first decision."""
        return self.chosen[-1] if self.chosen else None

    def open_to(self, ready: Schedule) -> Schedule:
        """Those of `ready` that may go: all but a last one whose patience is used up while others wait."""
        return tuple(name for name in ready if name != self.last) if self._is_tired(ready) else ready

    def preempts(self, ready: Schedule, choice: str) -> bool:
        """Whether `choice` takes the turn from a processor that could go on, or from the one that it has to pass to."""
        return choice != self.last and self.last in ready and not (self._is_tired(ready) and choice == self.usual(ready))

    def usual(self, ready: Schedule) -> str:
        """What the usual policy chooses."""
        if self._is_tired(ready):
            return min(self.open_to(ready), key=lambda name: self._last_turn.get(name, -1))
        return self.last if self.last in ready else ready[0]

    def _is_tired(self, ready: Schedule) -> bool:
        return self._streak >= self.patience and self.last in ready and len(ready) > 1

    def take(self, ready: Schedule, choice: str) -> None:
        """Goes one decision further."""
        self.preemptions += self.preempts(ready, choice)
        self.yields += self._is_tired(ready) and choice == self.usual(ready)
        self.switches += choice != self.last and self.last is not None
        self._streak = self._streak + 1 if choice == self.last else 1
        self._last_turn[choice] = len(self.chosen)
        self.chosen.append(choice)


def trail_of(steps: Iterable[Step], patience: int = PATIENCE) -> Trail:
    """The trail at the end of a run."""
    trail = Trail(patience)
    for step in steps:
        trail.take(step.ready, step.chosen)
    return trail


def count_preemptions(steps: Iterable[Step], patience: int = PATIENCE) -> int:
    """How often the turn was taken from a processor that could have gone on."""
    return trail_of(steps, patience).preemptions


def forced_part(steps: Sequence[Step], patience: int = PATIENCE) -> Schedule:
    """The shortest beginning of a run's schedule after which the usual policy gives the rest."""
    trail, length = Trail(patience), 0
    for number, step in enumerate(steps, 1):
        if step.chosen != trail.usual(step.ready):
            length = number
        trail.take(step.ready, step.chosen)
    return tuple(trail.chosen[:length])


class Chooser:
    """Chooses for one run; by itself the usual policy. A subclass says what `pick` answers."""

    def __init__(self, patience: int = PATIENCE) -> None:
        self.trail = Trail(patience)
        self._asked: list[Schedule] = []

    def __call__(self, ready: Schedule) -> str:
        """See `schedules.Choose`. Raises ValueError for processors that are none, or not sorted, or not distinct."""
        if not ready or any(one >= other for one, other in pairwise(ready)):
            raise ValueError(f"the player has to offer distinct processors sorted by name, at least one, not {ready!r}")
        choice = self.pick(ready)
        self._asked.append(ready)
        self.trail.take(ready, choice)
        return choice

    def pick(self, ready: Schedule) -> str:
        """The choice among `ready`."""
        return self.trail.usual(ready)

    def run(self, play: Play) -> Played:
        """One run. Raises ValueError where the steps that come back are not the decisions that were made."""
        played = play(self)
        made = list(zip(self._asked, self.trail.chosen, strict=True))
        if made != [(step.ready, step.chosen) for step in played.steps]:
            raise ValueError(
                f"the player was given {len(made)} choices and reports {len(played.steps)} steps that are not these"
            )
        return played


class Following(Chooser):
    """Forces a beginning, then goes on as usual.

    A choice that is not ready ends the following (`diverged`): what comes after it was meant for another course of events.
    """

    def __init__(self, beginning: Schedule, patience: int = PATIENCE) -> None:
        super().__init__(patience)
        self.beginning = beginning
        self.diverged = False

    def pick(self, ready: Schedule) -> str:
        """The next of the beginning, if it is ready."""
        number = len(self.trail.chosen)
        if self.diverged or number >= len(self.beginning):
            return super().pick(ready)
        self.diverged = self.beginning[number] not in ready
        return super().pick(ready) if self.diverged else self.beginning[number]

    def run(self, play: Play) -> Played:
        """One run; one that ends before the beginning does has diverged too."""
        played = super().run(play)
        self.diverged = self.diverged or len(played.steps) < len(self.beginning)
        return played


class Leaning(Chooser):
    """Takes choices where they fit: one that is not ready is skipped for good. Then it goes on as usual."""

    def __init__(self, choices: Schedule, patience: int = PATIENCE) -> None:
        super().__init__(patience)
        self._left = iter(choices)

    def pick(self, ready: Schedule) -> str:
        """The next choice that is ready."""
        fitting = next((name for name in self._left if name in ready), None)
        return super().pick(ready) if fitting is None else fitting
