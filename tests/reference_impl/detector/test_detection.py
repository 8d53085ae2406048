"""What is found, how soon, and what is left alone."""

from itertools import pairwise
from math import isfinite, sqrt

import numpy as np
import pytest
from detector_streams import drive, one, step, stream

ALLOWED_DELAY_S = 7.0


def must_step(low: float, rate: float) -> float:
    """The smallest share that a step from `low` must be found at."""
    floored = max(low, 0.001)
    return low + max(8 * sqrt(floored * (1 - floored) / rate), 20 / rate)


@pytest.mark.parametrize(("low", "rate"), [(0.0, 50), (0.001, 500), (0.02, 500), (0.2, 100), (0.5, 2000)])
@pytest.mark.parametrize("seed", [1, 2])
def test_a_step_is_found_in_time_and_once(low: float, rate: float, seed: int) -> None:
    rows = one(rate, step(low, must_step(low, rate), (100, 220)), 280, seed)
    onsets = drive(rows, 280).onsets()
    assert len(onsets) == 1
    assert 100 < onsets[0] <= 100 + ALLOWED_DELAY_S


@pytest.mark.parametrize(("share", "rate"), [(0.0, 500), (0.001, 500), (0.05, 60), (0.2, 30), (1.0, 200)])
def test_steady_traffic_is_left_alone(share: float, rate: float) -> None:
    assert not drive(one(rate, lambda s: share, 900, seed=5), 900).alerts


def test_each_service_has_its_own_baseline() -> None:
    rows = stream({"a": (lambda s: 300, step(0.001, 0.2, (150, 200))), "b": (lambda s: 300, lambda s: 0.2)}, 220)
    heard = drive(rows, 220)
    assert len(heard.onsets("a")) == 1
    assert not heard.onsets("b")


def test_more_traffic_at_an_equal_share_is_no_anomaly() -> None:
    rows = stream({"a": (lambda s: 1000 if 120 <= s < 240 else 200, lambda s: 0.05)}, 300)
    assert not drive(rows, 300).alerts


def test_a_tenfold_jump_is_told_as_a_rate_of_change_too() -> None:
    heard = drive(one(500, step(0.005, 0.05, (100, 130)), 160), 160)
    assert len(heard.onsets(kind="rate_of_change")) == 1
    assert heard.onsets()[0] <= 100 + ALLOWED_DELAY_S


def test_a_ramp_is_found_before_it_has_been_learned() -> None:
    top = must_step(0.01, 500)
    heard = drive(one(500, lambda s: 0.01 + (top - 0.01) * min(1.0, max(0.0, s - 90) / 300), 550), 550)
    assert 90 < heard.onsets()[0] <= 90 + 450


def test_a_spike_from_nothing_gives_finite_numbers_and_a_capped_ratio() -> None:
    heard = drive(one(1000, step(0.0, 1.0, (90, 120)), 130), 130)
    assert heard.alerts
    for _, alert in heard.alerts:
        assert isfinite(alert.score)
        assert "nan" not in alert.message
        assert "inf" not in alert.message
    assert heard.alerts[0][1].severity == "critical"


def test_a_stray_error_after_long_perfection_is_no_anomaly() -> None:
    rows = one(167, lambda s: 0.0, 780)
    rows.errors[np.searchsorted(rows.ts_ms, rows.ts_ms[0] + 700_000)] = True
    assert not drive(rows, 780).alerts


def test_raw_alerts_of_a_kind_are_ten_seconds_apart() -> None:
    spans = [(90.0 + 12 * i, 96.0 + 12 * i) for i in range(20)]
    heard = drive(one(500, step(0.01, 0.3, *spans), 400), 400)
    for kind in ("error_rate", "rate_of_change"):
        times = [t for t, alert in heard.alerts if alert.kind == kind]
        assert len(times) > 1 or kind == "rate_of_change"
        assert all(b - a >= 10 for a, b in pairwise(times))


def test_alerts_do_not_lag_behind_the_stream() -> None:
    for at_s, alert in drive(one(100, step(0.0, 0.5, (90, 150)), 160), 160).alerts:
        assert at_s * 1000 - 4250 <= alert.ts_ms - 1_700_000_000_000 <= at_s * 1000


def test_warm_up_is_silent() -> None:
    assert not drive(one(300, step(0.01, 0.3, (20, 40)), 60), 60).alerts
