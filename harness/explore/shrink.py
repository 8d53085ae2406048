"""Makes a failing schedule short, for a witness that a person can read.

Short means: fewest preemptions, then fewest decisions, then fewest switches, then first by name. Here a turn that is passed on after
long polling counts as a preemption: a hundred polls in a witness are no gain. Candidates for a shorter one come from a few kinds of
change; each is played with its choices where they fit and the usual policy elsewhere, and what counts is the schedule that was really
played. The search ends where no change helps: a minimum as far as these changes reach.
"""

from __future__ import annotations

from collections.abc import Callable, Iterator, Sequence
from dataclasses import dataclass
from itertools import groupby

from harness.explore.choosers import PATIENCE, Following, Leaning, forced_part, trail_of
from harness.explore.schedules import Play, Played, Schedule, Step, first_appearances

MAX_PLAYS = 200


@dataclass(frozen=True, slots=True)
class Shrunk:
    """The shortest failing run that was found.

    forced        the choices that the usual policy would not make, and all before them: following them plays the schedule
    plays         runs that shrinking took, the last one included
    confirmed     whether its schedule, played once more at the end, could be followed and failed; if not, the failure is flaky
    settled       whether no change helped any more; false if plays or time ran out first
    """

    played: Played
    preemptions: int
    forced: Schedule
    plays: int
    confirmed: bool
    settled: bool


def shrink(
    play: Play,
    failing: Played,
    *,
    max_plays: int = MAX_PLAYS,
    stop: Callable[[], bool] = lambda: False,
    patience: int = PATIENCE,
) -> Shrunk:
    """A shortest failing run, in at most `max_plays` plays, of which the last one confirms it. `stop` ends it earlier.

    Raises ValueError if `failing` did not fail, if there is not one play, or where `play` breaks its contract.
    """
    if not failing.failed or max_plays < 1:
        raise ValueError("shrinking needs a run that failed, and one play at least")
    shrinker = _Shrinker(play, failing, max_plays - 1, stop, patience)
    settled = shrinker.search()
    again = Following(shrinker.best.schedule, patience).run(play)
    confirmed = again.failed and again.schedule == shrinker.best.schedule
    best = again if confirmed else shrinker.best
    return Shrunk(
        played=best,
        preemptions=trail_of(best.steps, patience).preemptions,
        forced=forced_part(best.steps, patience),
        plays=shrinker.plays + 1,
        confirmed=confirmed,
        settled=settled,
    )


class _Shrinker:
    """The shortest failing run so far, and what was tried."""

    def __init__(self, play: Play, failing: Played, max_plays: int, stop: Callable[[], bool], patience: int) -> None:
        self.best = failing
        self.plays = 0
        self._play = play
        self._max_plays = max_plays
        self._stop = stop
        self._patience = patience
        self._tried: set[Schedule] = set()

    def search(self) -> bool:
        """Changes the best one as long as that makes it shorter. False if plays or time ran out before."""
        while True:
            for choices in self._untried():
                if self.plays >= self._max_plays or self._stop():
                    return False
                if self._improves(choices):
                    break
            else:
                return True

    def _untried(self) -> Iterator[Schedule]:
        for choices in changes(self.best.steps, self._patience):
            if choices not in self._tried:
                self._tried.add(choices)
                yield choices

    def _improves(self, choices: Schedule) -> bool:
        self.plays += 1
        played = Leaning(choices, self._patience).run(self._play)
        if not played.failed or self._size(played) >= self._size(self.best):
            return False
        self.best = played
        return True

    def _size(self, played: Played) -> tuple[int, int, int, Schedule]:
        trail = trail_of(played.steps, self._patience)
        return trail.preemptions + trail.yields, len(played.steps), trail.switches, played.schedule


def changes(steps: Sequence[Step], patience: int = PATIENCE) -> Iterator[Schedule]:
    """Choices that may give a shorter run than `steps`, the boldest changes first."""
    schedule = tuple(step.chosen for step in steps)
    forced = forced_part(steps, patience)
    yield from _heads(forced)
    yield from _joined(schedule)
    yield from _curtailed(schedule)
    yield from _without(forced)
    numbers = first_appearances(steps)
    yield tuple(numbers[name] for name in schedule)


def _heads(forced: Schedule) -> Iterator[Schedule]:
    """Beginnings, short ones first, cut after the first choice of each new turn: the rest of a turn comes by itself."""
    yield ()
    for number in range(1, len(forced)):
        if number == 1 or forced[number - 1] != forced[number - 2]:
            yield forced[:number]


def _joined(schedule: Schedule) -> Iterator[Schedule]:
    """Two turns of one processor made one: the later one sooner, or the sooner one later."""
    turns = _turns(schedule)
    for first, turn in enumerate(turns):
        for second in range(first + 1, len(turns)):
            if turns[second][0] == turn[0]:
                between = turns[first + 1 : second]
                head, tail = turns[:first], turns[second + 1 :]
                yield _flat([*head, turn, turns[second], *between, *tail])
                yield _flat([*head, *between, turn, turns[second], *tail])
                break


def _curtailed(schedule: Schedule) -> Iterator[Schedule]:
    """One turn cut to its first choice, or to half: what is cut off comes later by itself, or, if it was polling, never."""
    turns = _turns(schedule)
    for number, turn in enumerate(turns[:-1]):
        for length in sorted({1, len(turn) // 2} - {0, len(turn)}):
            yield _flat([*turns[:number], turn[:length], *turns[number + 1 :]])


def _without(choices: Schedule) -> Iterator[Schedule]:
    """The choices without one piece: halves first, then ever smaller pieces."""
    size = len(choices) // 2
    while size:
        for start in range(0, len(choices), size):
            yield choices[:start] + choices[start + size :]
        size //= 2


def _turns(schedule: Schedule) -> list[Schedule]:
    return [tuple(group) for _, group in groupby(schedule)]


def _flat(turns: Sequence[Schedule]) -> Schedule:
    return tuple(name for turn in turns for name in turn)
