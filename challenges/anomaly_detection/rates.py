"""False alarms as a rate with a bound: pure functions of counts and exposure per cell (cell = seed x service)."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass

import numpy as np

RESAMPLES = 20_000
CONFIDENCE = 0.99


@dataclass(frozen=True, slots=True)
class Cell:
    """What one service of one seed showed: onsets (a count) in `hours` of stationary stream after the warm-up."""

    key: str
    seed_key: str
    service: str
    rate: float
    p0: float
    onsets: int
    hours: float


def pooled_rate(cells: Sequence[Cell]) -> float:
    """Onsets per service-hour over all cells; 0 where there was no exposure."""
    hours = sum(cell.hours for cell in cells)
    return sum(cell.onsets for cell in cells) / hours if hours > 0 else 0.0


def lower_bound(cells: Sequence[Cell], seed: int = 1) -> float:
    """One-sided 99 % lower bound of the pooled rate: percentile bootstrap, whole cells drawn with replacement.

    One cell alone says nothing of how cells vary: its bound is 0, as is that of no cell. With no onset anywhere the
    bound is 0 too. The resampling has a fixed seed of its own: the same cells give the same bound.
    """
    if len(cells) < 2:
        return 0.0
    counts = np.array([cell.onsets for cell in cells], dtype=np.float64)
    hours = np.array([cell.hours for cell in cells], dtype=np.float64)
    draws = np.random.default_rng(seed).multinomial(len(cells), np.full(len(cells), 1 / len(cells)), size=RESAMPLES)
    rates = (draws @ counts) / (draws @ hours)
    return float(np.quantile(rates, 1 - CONFIDENCE, method="lower"))


def least_bound(cells: Sequence[Cell], unplayed: int, hours: float) -> float:
    """The bound that the cells have even if `unplayed` more, of `hours` each, show no onset at all.

    A bootstrap bound only grows with the onsets of a cell, so nothing that is still to come can bring it lower.
    """
    return lower_bound([*cells, *(Cell("", "", "", 0.0, 0.0, 0, hours) for _ in range(unplayed))])


@dataclass(frozen=True, slots=True)
class Exposure:
    """How much was observed: service-hours, and different seeds."""

    hours: float
    seeds: int

    def covers(self, planned: Exposure) -> bool:
        """Whether this is at least what was planned (a millionth of an hour is rounding)."""
        return self.hours >= planned.hours - 1e-6 and self.seeds >= planned.seeds


def exposure(cells: Sequence[Cell]) -> Exposure:
    """The exposure of those cells."""
    return Exposure(sum(cell.hours for cell in cells), len({cell.seed_key for cell in cells}))


def credit(rate: float, budget: float) -> float:
    """1 within the budget, then budget / rate."""
    return 1.0 if rate <= budget else budget / rate
