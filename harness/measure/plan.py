"""Arrival plans: when each request is due, fixed before the first is sent, so that no answer can change what is asked."""

from __future__ import annotations

from collections.abc import Sequence

import numpy as np

from harness.measure.statistics import Ints

SECOND_NS = 1_000_000_000


def poisson(rate: float, seconds: float, rng: np.random.Generator) -> Ints:
    """Arrivals of `rate` a second, as independent clients cause them, in ns from the start and in order.

    Their number is the expected one, so that equal plans weigh equally. Raises ValueError if that is none.
    """
    count = round(rate * seconds)
    if count < 1:
        raise ValueError(f"{rate} a second for {seconds} s is no request at all")
    return np.sort(rng.integers(0, round(seconds * SECOND_NS), count))


def stretches(pieces: Sequence[tuple[float, float]], rng: np.random.Generator) -> Ints:
    """Poisson arrivals of several (rate, seconds) one after the other."""
    parts, begin_ns = [], 0
    for rate, seconds in pieces:
        parts.append(poisson(rate, seconds, rng) + begin_ns)
        begin_ns += round(seconds * SECOND_NS)
    return np.concatenate(parts)
