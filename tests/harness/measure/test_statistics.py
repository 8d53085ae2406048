"""Quantiles, intervals and slopes against closed forms, and the coverage of the intervals as it is, not as it is called."""

from __future__ import annotations

import math

import numpy as np
import pytest

from harness.measure.lindley import latencies_ms
from harness.measure.plan import poisson
from harness.measure.statistics import (
    Blocks,
    Decision,
    Interval,
    binomial_cdf,
    block_bootstrap,
    order_interval,
    quantile,
    theil_sen,
)

BLOCK_NS = 100_000_000


def test_a_quantile_is_a_sample_and_infinity_counts() -> None:
    samples = np.array([3.0, 1.0, 2.0, math.inf])
    assert [quantile(samples, q) for q in (0.25, 0.5, 0.75, 0.76)] == [1.0, 2.0, 3.0, math.inf]
    assert quantile(np.arange(1, 1001, dtype=float), 0.999) == 999.0
    with pytest.raises(ValueError, match="samples"):
        quantile(np.array([]), 0.5)


def test_the_binomial_is_the_binomial() -> None:
    assert np.allclose(binomial_cdf(4, 0.5), np.array([1, 5, 11, 15, 16]) / 16)
    exact = [sum(math.comb(30, k) * 0.9**k * 0.1 ** (30 - k) for k in range(j + 1)) for j in range(31)]
    assert np.allclose(binomial_cdf(30, 0.9), exact)


def test_order_statistics_of_the_median_are_the_textbook_ones() -> None:
    # n = 10: the median lies between the 2nd and the 9th value with probability 1 - 2 * 11/1024.
    found = order_interval(np.arange(1.0, 11.0), 0.5)
    assert (found.value, found.low, found.high) == (5.0, 2.0, 9.0)


def test_too_few_samples_have_no_upper_bound() -> None:
    assert order_interval(np.arange(100.0), 0.999).high == math.inf
    assert order_interval(np.arange(100.0), 0.001).low == -math.inf


def test_order_statistics_cover_as_often_as_they_say() -> None:
    rng = np.random.default_rng(5)
    true = -math.log(0.01)
    found = [order_interval(rng.exponential(size=2000), 0.99) for _ in range(1500)]
    covered = np.mean([one.low <= true <= one.high for one in found])
    assert 0.94 <= covered <= 0.975


def a_run(rng: np.random.Generator, rounds: int, spread: float) -> Blocks:
    """Rounds of 1 s at 1,000/s through a server that sometimes takes longer; its speed differs from round to round by `spread`."""
    made = []
    for _ in range(rounds):
        due_ns = poisson(1000.0, 1.0, rng)
        service_ms = rng.exponential(0.3 * math.exp(spread * rng.normal()), len(due_ns))
        made.append((latencies_ms(due_ns, np.rint(service_ms * 1e6).astype(np.int64)), due_ns))
    return Blocks.cut(made, BLOCK_NS)


@pytest.mark.parametrize(("spread", "least", "most"), [(0.0, 0.93, 1.0), (0.1, 0.80, 1.0)])
def test_the_bootstrap_covers_queues_too(spread: float, least: float, most: float) -> None:
    """Where rounds are alike it covers as it says; where they differ, five of them tell less than 95 %: that is known."""
    rng = np.random.default_rng(11)
    true = np.quantile(a_run(np.random.default_rng(12), 2000, spread).samples, 0.99)
    found = [block_bootstrap(a_run(rng, 5, spread), [0.99], rng, draws=200)[0] for _ in range(150)]
    covered = float(np.mean([one.low <= true <= one.high for one in found]))
    assert least <= covered <= most


def test_a_bootstrap_is_the_same_for_the_same_seed_and_widens_with_a_bad_round() -> None:
    due_ns = np.arange(1000, dtype=np.int64) * 1_000_000
    calm = [(np.full(1000, 1.0), due_ns) for _ in range(5)]
    stalled = [*calm[:4], (np.where(np.arange(1000) < 500, 900.0, 1.0), due_ns)]
    one, two = (block_bootstrap(Blocks.cut(stalled, BLOCK_NS), [0.5, 0.99], np.random.default_rng(1)) for _ in range(2))
    assert one == two
    assert one[0] == Interval(1.0, 1.0, 1.0)
    assert (one[1].value, one[1].low, one[1].high) == (900.0, 1.0, 900.0)
    calm_interval = block_bootstrap(Blocks.cut(calm, BLOCK_NS), [0.99], np.random.default_rng(1))[0]
    assert calm_interval == Interval(1.0, 1.0, 1.0)


def test_the_decision_has_three_ways() -> None:
    assert Interval(5, 4, 6).against(10) is Decision.PASS
    assert Interval(12, 11, math.inf).against(10) is Decision.FAIL
    assert Interval(9, 8, 11).against(10) is Decision.INCONCLUSIVE
    assert Interval(9, 8, 10).against(10) is Decision.INCONCLUSIVE
    assert Interval(12, 11, 13).against(10, 2.0) is Decision.INCONCLUSIVE, "the machine alone may have lost that much"
    assert Interval(14, 12.5, 15).against(10, 2.0) is Decision.FAIL
    assert Interval(9, -math.inf, math.inf).plain() == {"value": 9, "low": None, "high": None}


def test_a_slope_is_that_of_the_line_whatever_single_points_do() -> None:
    x = np.arange(50, dtype=float)
    assert theil_sen(x, 3 * x + 7) == Interval(3.0, 3.0, 3.0)
    y = 3 * x
    y[[5, 20, 40]] += 1e6
    assert abs(theil_sen(x, y).value - 3) < 0.01
    assert theil_sen(x, np.full(50, 4.0)) == Interval(0.0, 0.0, 0.0)
    with pytest.raises(ValueError, match="three"):
        theil_sen(x[:2], x[:2])


def test_the_interval_of_a_slope_covers() -> None:
    rng = np.random.default_rng(3)
    x = np.arange(40, dtype=float)
    found = [theil_sen(x, 2 * x + rng.normal(0, 5, 40)) for _ in range(400)]
    covered = np.mean([one.low <= 2 <= one.high for one in found])
    assert 0.92 <= covered <= 0.98
