"""Runs by random priorities: probabilistic concurrency testing.

The ready processor of the highest priority goes. Priorities are drawn once; at `depth` - 1 decisions, drawn over the length that a run is
expected to have, the one whose turn it would be falls below all others. A bug that hangs on the order of `depth` round trips among n
processors in runs of k decisions shows in one run with probability 1 / (n * k ** (depth - 1)) at least, however many
schedules there are.
"""

from __future__ import annotations

import numpy as np

from harness.explore.choosers import PATIENCE, Chooser
from harness.explore.schedules import Schedule


class Priorities(Chooser):
    """One run by priorities that `rng` draws. `decisions`: the length that is expected, `depth`: at least 1."""

    def __init__(self, rng: np.random.Generator, *, depth: int, decisions: int, patience: int = PATIENCE) -> None:
        super().__init__(patience)
        self._rng = rng
        self._top = float(depth)
        self._bottom = 0.0
        self._priority: dict[str, float] = {}
        # A change before the first decision would only be another draw of the priorities.
        points = rng.choice(np.arange(1, max(decisions, 1)), size=min(depth - 1, max(decisions - 1, 0)), replace=False)
        self._falls = {int(point): float(rank) for rank, point in enumerate(points, 1)}

    def pick(self, ready: Schedule) -> str:
        """The ready processor of the highest priority, after what changes at this decision has changed."""
        for name in ready:
            if name not in self._priority:
                self._priority[name] = self._top + self._rng.random()
        allowed = self.trail.open_to(ready)
        if allowed != ready and self.trail.last is not None:  # it polls: lowest from now on, or it would be back at once
            self._bottom -= 1.0
            self._priority[self.trail.last] = self._bottom
        fall = self._falls.get(len(self.trail.chosen))
        if fall is not None:
            self._priority[self._highest(allowed)] = fall
        return self._highest(allowed)

    def _highest(self, names: Schedule) -> str:
        return max(names, key=lambda name: (self._priority[name], name))
