"""Rounds in turn, ABAB: the candidate, then a no-op of its language, which tells what the machine did in that round."""

from __future__ import annotations

import math
from collections.abc import Callable
from dataclasses import dataclass, field

from harness.measure.sample import Sample
from harness.measure.statistics import quantile

FLOOR_LIMIT_MS = 5.0
FLOOR_Q = 0.999


@dataclass(frozen=True, slots=True)
class Round:
    """One round: `mine` the candidate's half, `floor` the no-op's; `noise` says why it is invalid, '' if it is valid."""

    mine: Sample
    floor: Sample
    noise: str = ""


@dataclass(slots=True)
class Rounds:
    """All rounds that were run, in order; `enough` once as many as wanted are valid."""

    wanted: int
    run: list[Round] = field(default_factory=list)

    @property
    def valid(self) -> list[Round]:
        """Those that count."""
        return [one for one in self.run if not one.noise]

    @property
    def invalid(self) -> int:
        """How many do not."""
        return len(self.run) - len(self.valid)

    @property
    def enough(self) -> bool:
        """Whether as many as wanted are valid."""
        return len(self.valid) >= self.wanted

    @property
    def hopeless(self) -> bool:
        """Whether over half are invalid, of at least as many as wanted."""
        return len(self.run) >= self.wanted and 2 * self.invalid > len(self.run)


def noise_of(floor: Sample, limit_ms: float = FLOOR_LIMIT_MS) -> str:
    """Why a round is invalid, from its no-op half alone: nothing of the candidate's own can make its round invalid."""
    lags_ms = floor.sender_lag_ms
    latency_ms, lag_ms = quantile(floor.latency_ms, FLOOR_Q), quantile(lags_ms, FLOOR_Q) if len(lags_ms) else 0.0
    if latency_ms > limit_ms:
        worth = (
            f"{latency_ms:.1f} ms, above {limit_ms:g} ms" if math.isfinite(latency_ms) else "a request that it never answered"
        )
        return f"the no-op's p99.9 was {worth}"
    return f"the sender's own lag p99.9 was {lag_ms:.1f} ms, above {limit_ms:g} ms" if lag_ms > limit_ms else ""


def alternate(wanted: int, mine: Callable[[int], Sample], floor: Callable[[int], Sample], stop: Callable[[], bool]) -> Rounds:
    """Runs rounds until enough are valid, over half are invalid, or `stop` holds; each half is told its round's number."""
    rounds = Rounds(wanted)
    while not rounds.enough and not rounds.hopeless and not (rounds.run and stop()):
        number = len(rounds.run)
        first, second = mine(number), floor(number)
        rounds.run.append(Round(first, second, noise_of(second)))
    return rounds
