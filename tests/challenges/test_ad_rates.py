"""The statistics of false alarms: pure functions on hand-made cells."""

from __future__ import annotations

import pytest

from challenges.anomaly_detection.rates import Cell, Exposure, credit, exposure, least_bound, lower_bound, pooled_rate


def cells(*onsets: int, hours: float = 0.25) -> list[Cell]:
    return [Cell(f"seed-{n // 2}/s{n}", f"seed-{n // 2}", f"s{n}", 500.0, 0.01, count, hours) for n, count in enumerate(onsets)]


def test_pooled_rate_weighs_by_exposure() -> None:
    assert pooled_rate(cells(3, 0, 0, 0)) == pytest.approx(3.0)
    assert pooled_rate([*cells(1, hours=1.0), *cells(1, hours=3.0)]) == pytest.approx(0.5)
    assert pooled_rate([]) == 0.0


def test_no_onset_has_a_bound_of_zero() -> None:
    assert lower_bound(cells(*[0] * 12)) == 0.0


def test_cells_that_all_agree_have_their_rate_as_the_bound() -> None:
    assert lower_bound(cells(*[1] * 12)) == pytest.approx(4.0)


def test_one_noisy_cell_of_twelve_condemns_nobody() -> None:
    assert lower_bound(cells(12, *[0] * 11)) == 0.0


def test_half_of_the_cells_with_an_onset_exceed_a_budget_of_a_half() -> None:
    assert lower_bound(cells(*[1] * 6, *[0] * 6)) > 0.5
    assert lower_bound(cells(*[1] * 3, *[0] * 9)) <= 0.5


def test_the_bound_lies_below_the_rate_and_grows_with_the_onsets() -> None:
    bounds = [lower_bound(cells(*[n % (k + 1) for n in range(12)])) for k in range(5)]
    rates = [pooled_rate(cells(*[n % (k + 1) for n in range(12)])) for k in range(5)]
    assert all(bound <= rate for bound, rate in zip(bounds, rates, strict=True)) and bounds == sorted(bounds)


def test_the_bound_is_the_exact_quantile_where_that_is_known() -> None:
    # Two cells, one with an onset: a resample has it 0, 1 or 2 times with 1/4, 1/2, 1/4; the 1 % quantile is 0.
    assert lower_bound(cells(1, 0)) == 0.0
    # Eight cells, seven with one: P(all but two or fewer draws miss it) puts the 1 % quantile at 4 of 8.
    assert lower_bound(cells(*[1] * 7, 0, hours=1.0)) == pytest.approx(0.5)


def test_a_single_cell_or_none_bounds_nothing() -> None:
    assert lower_bound(cells(9)) == 0.0 and lower_bound([]) == 0.0


def test_the_bound_is_repeatable() -> None:
    assert lower_bound(cells(1, 2, 0, 3, 0, 1)) == lower_bound(cells(1, 2, 0, 3, 0, 1))


def test_exposure_counts_hours_and_seeds() -> None:
    seen = exposure(cells(*[0] * 12))
    assert seen == Exposure(3.0, 6)
    assert seen.covers(Exposure(3.0, 6))
    assert not seen.covers(Exposure(3.5, 6)) and not seen.covers(Exposure(3.0, 7))


def test_credit_falls_beyond_the_budget() -> None:
    assert credit(0.0, 2.0) == credit(2.0, 2.0) == 1.0
    assert credit(8.0, 2.0) == 0.25


def test_the_least_bound_is_that_of_quiet_cells_to_come() -> None:
    noisy = cells(3, 3, 3, 3)
    assert least_bound(noisy, 8, 0.25) == lower_bound([*noisy, *cells(*[0] * 8)]) > 0.5
    assert least_bound(cells(3, 3), 10, 0.25) == 0.0
    for later in ([0] * 8, [1, 0, 0, 2, 0, 0, 0, 5], [9] * 8):
        assert least_bound(noisy, 8, 0.25) <= lower_bound([*noisy, *cells(*later)])
