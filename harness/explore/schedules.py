"""The values of exploration: what one run was, decision by decision, and the two calls between the search and the player.

The player lets one round trip go at a time. A decision is one such grant: some processors wait, one of them is chosen. A schedule is
the sequence of the chosen ones, and that sequence is all that the search decides.
"""

from __future__ import annotations

from collections.abc import Callable, Sequence
from dataclasses import dataclass

from harness.runtime.proxy.gate import Granted

Schedule = tuple[str, ...]
"""Names of processors: whose round trip goes at each decision, first to last."""

Choose = Callable[[Schedule], str]
"""Given the processors that wait (sorted by name, at least one), answers one of them."""


@dataclass(frozen=True, slots=True)
class Step:
    """One decision: who waited, who was chosen, how its round trip went, and what that was in a few words."""

    ready: Schedule
    chosen: str
    went: Granted
    trip: str = ""


@dataclass(frozen=True, slots=True)
class Played:
    """One whole run. `failed`: a violation was found; `evidence` belongs to the player, nothing here looks into it."""

    steps: tuple[Step, ...]
    failed: bool
    evidence: object = None

    @property
    def schedule(self) -> Schedule:
        """The chosen processors."""
        return tuple(step.chosen for step in self.steps)


Play = Callable[[Choose], Played]
"""Plays one whole run from a fresh state and asks at each decision. A processor that the store keeps waiting is not ready."""

Signature = tuple[tuple[Schedule, str, Granted], ...]


def signature(steps: Sequence[Step], *, symmetric: bool) -> Signature:
    """What makes two runs the same run: decisions and how they went.

    The texts are left out: tokens and times in them differ from run to run. `symmetric`: processors are numbered as they are first
    chosen (those that never are come after them, in order of name), so that runs equal up to renaming are the same.
    """
    if not symmetric:
        return tuple((step.ready, step.chosen, step.went) for step in steps)
    numbers = first_appearances(steps)
    return tuple((tuple(sorted(numbers[name] for name in step.ready)), numbers[step.chosen], step.went) for step in steps)


def first_appearances(steps: Sequence[Step]) -> dict[str, str]:
    """A new name for each processor: the names there are, in their order, given out as processors are first chosen."""
    names = sorted({name for step in steps for name in step.ready})
    order = dict.fromkeys([*(step.chosen for step in steps), *names])
    return dict(zip(order, names, strict=True))
