"""Statistics over several commits of a model, and of one model against another. Pure; nothing here knows a result's shape.

What a handful of commits cannot carry is not computed: an interval needs two of them, a p-value six pairs, since the exact
sign test cannot fall below 5 % with fewer.
"""

from __future__ import annotations

import math
from collections.abc import Sequence
from dataclasses import dataclass

import numpy as np

PAIRS_FOR_P = 6
RESAMPLES = 10_000


@dataclass(frozen=True, slots=True)
class Mean:
    """A mean of `count` values with a percentile bootstrap interval; None for both ends with fewer than two values."""

    value: float
    low: float | None
    high: float | None
    count: int


def bootstrap_mean(values: Sequence[float], seed: int = 1, level: float = 0.95) -> Mean | None:
    """The mean of `values` and its interval at `level`, from resamples drawn with `seed`; None where there are no values."""
    if not values:
        return None
    drawn = np.asarray(values, dtype=np.float64)
    if len(drawn) < 2:
        return Mean(float(drawn[0]), None, None, 1)
    picks = np.random.default_rng(seed).integers(0, len(drawn), size=(RESAMPLES, len(drawn)))
    tail = (1 - level) / 2
    low, high = np.quantile(drawn[picks].mean(axis=1), (tail, 1 - tail))
    return Mean(float(drawn.mean()), float(low), float(high), len(drawn))


def pass_at(k: int, count: int, passed: int) -> float:
    """The chance that of `k` commits drawn from `count`, of which `passed` pass, at least one does: pass@k, unbiased."""
    _check(k, count, passed)
    return 1.0 - math.comb(count - passed, k) / math.comb(count, k)


def all_of(k: int, count: int, passed: int) -> float:
    """The chance that all `k` commits drawn from `count`, of which `passed` pass, do: what somebody who cannot choose gets."""
    _check(k, count, passed)
    return math.comb(passed, k) / math.comb(count, k)


def _check(k: int, count: int, passed: int) -> None:
    if not 1 <= k <= count or not 0 <= passed <= count:
        raise ValueError(f"{k} of {count}, {passed} of them passing, cannot be drawn")


def sign_test(won: int, lost: int) -> float:
    """The exact two-sided p-value of so many pairs won and lost, ties left out (for outcomes this is McNemar's exact test)."""
    if won < 0 or lost < 0:
        raise ValueError(f"counts of pairs cannot be negative: {won}, {lost}")
    pairs = won + lost
    tail = sum(math.comb(pairs, i) for i in range(min(won, lost) + 1))
    return min(1.0, tail / 2 ** (pairs - 1)) if pairs else 1.0


def holm(p_values: Sequence[float]) -> list[float]:
    """`p_values` corrected for their number by Holm's steps, in the order given."""
    order = sorted(range(len(p_values)), key=lambda i: p_values[i])
    corrected = [0.0] * len(p_values)
    highest = 0.0
    for rank, i in enumerate(order):
        highest = max(highest, min(1.0, (len(order) - rank) * p_values[i]))
        corrected[i] = highest
    return corrected


@dataclass(frozen=True, slots=True)
class Duel:
    """Pairs of commits on one question: `p` is None with fewer than six pairs."""

    won: int
    lost: int
    tied: int
    p: float | None

    @property
    def pairs(self) -> int:
        """How many pairs were compared."""
        return self.won + self.lost + self.tied


def duel(pairs: Sequence[tuple[float, float]]) -> Duel:
    """Of each pair (ours, theirs) the higher one wins."""
    won = sum(ours > theirs for ours, theirs in pairs)
    lost = sum(ours < theirs for ours, theirs in pairs)
    p = sign_test(won, lost) if len(pairs) >= PAIRS_FOR_P else None
    return Duel(won, lost, len(pairs) - won - lost, p)
