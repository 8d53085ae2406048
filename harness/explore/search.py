"""The search: every schedule with few preemptions, then seeded ones by random priorities."""

from __future__ import annotations

import hashlib
import json
from collections.abc import Callable
from dataclasses import dataclass
from enum import Enum

import numpy as np

from harness.explore.choosers import PATIENCE, Following
from harness.explore.frontier import Frontier
from harness.explore.priorities import Priorities
from harness.explore.schedules import Play, Played, Schedule, Signature, signature
from harness.runtime.proxy.gate import Granted

HASH_DIGITS = 16


@dataclass(frozen=True, slots=True)
class Plan:
    """What to search, and how far.

    `max_runs` bounds all runs together; the search by preemptions leaves `random_runs` of them to the random ones, half at most.
    `depth` is that of `priorities`. `symmetric`: the processors are the same code under the same offers, so of schedules that are
    equal up to renaming one is enough. `go_on`: a failure does not end the search. `patience`: see `choosers`.
    Raises ValueError for numbers that make no sense.
    """

    max_preemptions: int = 2
    max_runs: int = 2000
    random_runs: int = 100
    depth: int = 3
    symmetric: bool = False
    go_on: bool = False
    patience: int = PATIENCE

    def __post_init__(self) -> None:
        if min(self.max_preemptions, self.random_runs) < 0 or min(self.max_runs, self.depth, self.patience) < 1:
            raise ValueError(f"max_preemptions and random_runs have to be 0 or more, the other numbers 1 or more: {self}")


class Ended(Enum):
    """Why a search ended."""

    FINISHED = "finished"  # all that was planned was played
    FAILED = "failed"
    MAX_RUNS = "max_runs"
    STOPPED = "stopped"  # by the caller: the time was up


@dataclass(frozen=True, slots=True)
class Report:
    """What was searched and found.

    enumerated        runs of the search by preemptions; `by_preemptions` has them by the preemptions that were forced
    randomised        runs by random priorities
    pruned            beginnings not played because of an equal one up to renaming; each stands for all that begins so
    beyond            beginnings not played because they have more preemptions than the bound
    repeated          runs that turned out to be a run that was seen before (up to renaming, if symmetric)
    blocked, late     decisions of all runs that ended so
    diverged          runs in which a forced choice was not ready: the candidate does not repeat itself
    exhausted         whether every schedule within the bound was played, so false after any divergence
    failures          the runs that failed; one at most, unless the plan goes on
    schedule_hash     over the seed and every schedule in the order of play: equal for equal searches
    """

    seed: int
    enumerated: int
    by_preemptions: tuple[int, ...]
    randomised: int
    pruned: int
    beyond: int
    repeated: int
    blocked: int
    late: int
    diverged: int
    exhausted: bool
    ended: Ended
    failures: tuple[Played, ...]
    schedule_hash: str

    @property
    def runs(self) -> int:
        """All runs."""
        return self.enumerated + self.randomised

    @property
    def failing(self) -> Played | None:
        """The first run that failed."""
        return self.failures[0] if self.failures else None


def explore(play: Play, *, seed: int, plan: Plan | None = None, stop: Callable[[], bool] = lambda: False) -> Report:
    """Searches for a schedule that fails. `stop` is asked before each run and ends the search when it says so; `seed` is 0 or more.

    The random runs are left out where the search by preemptions has already played every schedule there is.
    Raises ValueError where `play` breaks its contract; whatever `play` raises passes through.
    """
    search = _Search(play, seed, plan or Plan(), stop)
    search.enumerate()
    search.randomise()
    return search.report()


class _Search:
    def __init__(self, play: Play, seed: int, plan: Plan, stop: Callable[[], bool]) -> None:
        self._play = play
        self._seed = seed
        self._plan = plan
        self._stop = stop
        self._frontier = Frontier(plan.max_preemptions, symmetric=plan.symmetric, patience=plan.patience)
        self._tally = _Tally(seed, symmetric=plan.symmetric)
        self._by_preemptions = [0] * (plan.max_preemptions + 1)
        self._randomised = 0
        self._diverged = 0
        self._ended: Ended | None = None

    def enumerate(self) -> None:
        """Plays what has few preemptions, as far as the limits let it."""
        limit = self._plan.max_runs - min(self._plan.random_runs, self._plan.max_runs // 2)
        while self._frontier and self._tally.runs < limit and self._may_play():
            preemptions, beginning = self._frontier.pop()
            chooser = Following(beginning, self._plan.patience)
            played = chooser.run(self._play)
            self._by_preemptions[preemptions] += 1
            self._diverged += chooser.diverged
            self._frontier.grow(played.steps)
            self._note(played)

    def randomise(self) -> None:
        """Plays by random priorities. Each run has a generator of its own: it does not hang on how many came before."""
        while self._randomised < self._plan.random_runs and not self._is_all and self._tally.runs < self._plan.max_runs:
            if not self._may_play():
                return
            rng = np.random.default_rng([self._seed, self._randomised])
            chooser = Priorities(rng, depth=self._plan.depth, decisions=self._tally.longest, patience=self._plan.patience)
            self._randomised += 1
            self._note(chooser.run(self._play))

    def report(self) -> Report:
        """What came of it."""
        tally = self._tally
        return Report(
            seed=self._seed,
            enumerated=sum(self._by_preemptions),
            by_preemptions=tuple(self._by_preemptions),
            randomised=self._randomised,
            pruned=self._frontier.pruned,
            beyond=self._frontier.beyond,
            repeated=tally.repeated,
            blocked=tally.went[Granted.BLOCKED],
            late=tally.went[Granted.LATE],
            diverged=self._diverged,
            exhausted=self._exhausted,
            ended=self._ended or self._ended_by_itself(),
            failures=tuple(tally.failures),
            schedule_hash=tally.digest(),
        )

    @property
    def _exhausted(self) -> bool:
        return not self._frontier and not self._diverged

    @property
    def _is_all(self) -> bool:
        return self._exhausted and not self._frontier.beyond

    def _ended_by_itself(self) -> Ended:
        complete = not self._frontier and (self._is_all or self._randomised == self._plan.random_runs)
        return Ended.FINISHED if complete else Ended.MAX_RUNS

    def _may_play(self) -> bool:
        if self._ended is None and self._stop():
            self._ended = Ended.STOPPED
        return self._ended is None

    def _note(self, played: Played) -> None:
        self._tally.add(played)
        if played.failed and not self._plan.go_on:
            self._ended = Ended.FAILED


class _Tally:
    """What all runs have in common, however their schedules came about."""

    def __init__(self, seed: int, *, symmetric: bool) -> None:
        self.runs = 0
        self.repeated = 0
        self.longest = 0
        self.went = dict.fromkeys(Granted, 0)
        self.failures: list[Played] = []
        self._symmetric = symmetric
        self._seen: set[Signature] = set()
        self._hash = hashlib.sha256(f"{seed}\n".encode())

    def add(self, played: Played) -> None:
        """Counts one run."""
        self.runs += 1
        self.longest = max(self.longest, len(played.steps))
        for step in played.steps:
            self.went[step.went] += 1
        if played.failed:
            self.failures.append(played)
        self._hash.update(_line(played.schedule))
        seen = signature(played.steps, symmetric=self._symmetric)
        self.repeated += seen in self._seen
        self._seen.add(seen)

    def digest(self) -> str:
        """The beginning of the hash."""
        return self._hash.hexdigest()[:HASH_DIGITS]


def _line(schedule: Schedule) -> bytes:
    """A schedule in bytes that no other schedule has, whatever the names."""
    return json.dumps(schedule).encode() + b"\n"
