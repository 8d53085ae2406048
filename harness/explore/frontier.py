"""Which beginnings of schedules are still to be played, fewest preemptions first.

What is ready after a beginning is known only once it was played. So each run, played to its end by the usual policy, adds the choices
that it left aside; a schedule within the bound is the continuation of exactly one such beginning.
"""

from __future__ import annotations

from collections.abc import Sequence

from harness.explore.choosers import Trail
from harness.explore.schedules import Schedule, Step


class Frontier:
    """Beginnings to play. Depth first among those with equally many preemptions; none is given out twice.

    `pruned`: beginnings given up because another one is equal to them up to renaming. `beyond`: beginnings given up because they
    have more preemptions than the bound.
    """

    def __init__(self, max_preemptions: int, *, symmetric: bool, patience: int) -> None:
        self.pruned = 0
        self.beyond = 0
        self._symmetric = symmetric
        self._patience = patience
        self._levels: list[list[Schedule]] = [[] for _ in range(max_preemptions + 1)]
        self._levels[0].append(())
        self._known: set[Schedule] = {()}

    def __bool__(self) -> bool:
        """Whether any is left."""
        return any(self._levels)

    def pop(self) -> tuple[int, Schedule]:
        """The next beginning and how many preemptions it has. Raises IndexError where none is left."""
        for preemptions, level in enumerate(self._levels):
            if level:
                return preemptions, level.pop()
        raise IndexError("no beginning is left")

    def grow(self, steps: Sequence[Step]) -> None:
        """Adds what a run left aside.

        All of its decisions are looked at, not only those after the forced ones: a candidate that does not repeat itself may offer
        there what it did not offer before.
        """
        trail = Trail(self._patience)
        for step in steps:
            self._add(trail, step)
            trail.take(step.ready, step.chosen)
            self._known.add(tuple(trail.chosen))

    def _add(self, trail: Trail, step: Step) -> None:
        others = [name for name in trail.open_to(step.ready) if name != step.chosen]
        twins = _twins(trail, step) if self._symmetric else frozenset()
        for name in reversed(others):  # the last one added is the first one played
            beginning = (*trail.chosen, name)
            preemptions = trail.preemptions + trail.preempts(step.ready, name)
            if beginning in self._known:
                continue
            self._known.add(beginning)
            if preemptions >= len(self._levels):
                self.beyond += 1
            elif name in twins:
                self.pruned += 1
            else:
                self._levels[preemptions].append(beginning)


def _twins(trail: Trail, step: Step) -> frozenset[str]:
    """Ready processors that have done nothing yet, but for the first one, which stands for them all."""
    return frozenset([name for name in step.ready if name not in trail.chosen][1:])
