"""Quantiles, slopes and their intervals. Pure functions on arrays; a request that was never answered counts as infinite."""

from __future__ import annotations

import math
from collections.abc import Sequence
from dataclasses import dataclass
from enum import StrEnum
from statistics import NormalDist

import numpy as np
import numpy.typing as npt

Floats = npt.NDArray[np.float64]
Ints = npt.NDArray[np.int64]

CONFIDENCE = 0.95
DRAWS = 1000


class Decision(StrEnum):
    """What an interval says of a budget."""

    PASS = "pass"
    FAIL = "fail"
    INCONCLUSIVE = "inconclusive"


@dataclass(frozen=True, slots=True)
class Interval:
    """A value with the interval that holds the true one at the stated confidence, in the value's own unit."""

    value: float
    low: float
    high: float

    def against(self, budget: float, floor: float = 0.0) -> Decision:
        """Pass if all of it lies below the budget, fail if all of it lies above, by more than the noise `floor`."""
        if self.high < budget:
            return Decision.PASS
        return Decision.FAIL if self.low > budget + floor else Decision.INCONCLUSIVE

    def plain(self) -> dict[str, float | None]:
        """As JSON: what is infinite becomes null."""
        return {name: finite(getattr(self, name)) for name in ("value", "low", "high")}


def finite(value: float, digits: int = 4) -> float | None:
    """`value` rounded, or None where JSON has no number for it."""
    return round(value, digits) if math.isfinite(value) else None


def rank_of(q: float, count: int) -> int:
    """The rank, from 0, of the q-quantile of `count` samples: the smallest value that a share q does not exceed."""
    return min(max(math.ceil(q * count - 1e-9) - 1, 0), count - 1)


def quantile(samples: Floats, q: float) -> float:
    """The q-quantile as one of the samples; infinite ones are allowed. Raises ValueError without samples."""
    if not len(samples):
        raise ValueError("a quantile needs samples")
    return float(np.sort(samples)[rank_of(q, len(samples))])


def binomial_cdf(n: int, p: float) -> Floats:
    """P(B <= k) for k = 0..n of a binomial B(n, p) with 0 < p < 1, shape (n + 1,)."""
    log_factorial = np.concatenate([[0.0], np.cumsum(np.log(np.arange(1, n + 1)))])
    k = np.arange(n + 1)
    log_choose = log_factorial[n] - log_factorial - log_factorial[::-1]
    log_share = log_choose + k * math.log(p) + (n - k) * math.log1p(-p)
    return np.asarray(np.minimum(np.cumsum(np.exp(log_share)), 1.0))


def order_interval(samples: Floats, q: float, confidence: float = CONFIDENCE) -> Interval:
    """The q-quantile between two order statistics: exact for independent samples of any distribution.

    Where there are too few samples for a bound, it is infinite. Raises ValueError without samples.
    """
    if not len(samples):
        raise ValueError("a quantile needs samples")
    n, tail = len(samples), (1 - confidence) / 2
    ordered, cdf = np.sort(samples), binomial_cdf(len(samples), q)
    low = int(np.searchsorted(cdf, tail, side="right")) - 1  # the largest k with P(B <= k) <= tail; sample k covers it
    high = int(np.searchsorted(cdf, 1 - tail, side="left"))  # the smallest k with P(B <= k) >= 1 - tail
    return Interval(
        float(ordered[rank_of(q, n)]),
        float(ordered[low]) if low >= 0 else -math.inf,
        float(ordered[high]) if high < n else math.inf,
    )


@dataclass(frozen=True, slots=True)
class Blocks:
    """Samples of several rounds, cut into blocks of time: `round_of[b]` is the round of block b, `block_of[i]` of sample i."""

    samples: Floats
    block_of: Ints
    round_of: Ints

    @classmethod
    def cut(cls, rounds: Sequence[tuple[Floats, Ints]], block_ns: int) -> Blocks:
        """From (samples, their intended times in ns since the round began) per round. Raises ValueError for an empty round."""
        block_of, round_of, first = [], [], 0
        for number, (samples, due_ns) in enumerate(rounds):
            if not len(samples):
                raise ValueError(f"round {number} has no samples")
            _, own = np.unique(due_ns // block_ns, return_inverse=True)
            block_of.append(own + first)
            count = int(own.max()) + 1
            round_of.append(np.full(count, number))
            first += count
        joined = np.concatenate([samples for samples, _ in rounds])
        return cls(joined, np.concatenate(block_of).astype(np.int64), np.concatenate(round_of).astype(np.int64))


def block_bootstrap(
    blocks: Blocks, qs: Sequence[float], rng: np.random.Generator, draws: int = DRAWS, confidence: float = CONFIDENCE
) -> list[Interval]:
    """One interval per q: rounds are drawn with replacement, then blocks within each drawn round.

    Samples that lie close in time depend on each other, and so do those of one round: so both are kept together.
    """
    order = np.argsort(blocks.samples, kind="stable")
    ordered, block_of = blocks.samples[order], blocks.block_of[order]
    members = [np.flatnonzero(blocks.round_of == number) for number in range(int(blocks.round_of.max()) + 1)]
    found = np.empty((draws, len(qs)))
    for draw in range(draws):
        weights = np.zeros(len(blocks.round_of), np.int64)
        for number in rng.integers(0, len(members), len(members)):
            own = members[number]
            np.add.at(weights, own[rng.integers(0, len(own), len(own))], 1)
        reached = np.cumsum(weights[block_of])
        ranks = [rank_of(q, int(reached[-1])) + 1 for q in qs]
        found[draw] = ordered[np.searchsorted(reached, ranks, side="left")]
    tail = (1 - confidence) / 2
    found.sort(axis=0)
    low, high = found[rank_of(tail, draws)], found[rank_of(1 - tail, draws)]
    values = [float(ordered[rank_of(q, len(ordered))]) for q in qs]
    return [Interval(*row) for row in zip(values, low.tolist(), high.tolist(), strict=True)]


def theil_sen(x: Floats, y: Floats, confidence: float = CONFIDENCE) -> Interval:
    """The median of the slopes between all pairs of points, in y per x, with the interval that Kendall's tau gives.

    Raises ValueError for fewer than three points, or equal x.
    """
    if len(x) < 3 or len(np.unique(x)) != len(x):
        raise ValueError("a slope needs at least three points at different places")
    first, second = np.triu_indices(len(x), 1)
    slopes = np.sort((y[second] - y[first]) / (x[second] - x[first]))
    n, pairs = len(x), len(slopes)
    spread = NormalDist().inv_cdf((1 + confidence) / 2) * math.sqrt(n * (n - 1) * (2 * n + 5) / 18)
    low = min(max(math.floor((pairs - spread) / 2), 0), pairs - 1)
    high = min(max(math.ceil((pairs + spread) / 2), 0), pairs - 1)
    return Interval(float(np.median(slopes)), float(slopes[low]), float(slopes[high]))
