"""The generator: its formula, its determinism, and what is done with streams."""

from __future__ import annotations

import math

import numpy as np
import pytest

from challenges.anomaly_detection.traffic import (
    LEVELS,
    Curve,
    Source,
    Traffic,
    between,
    flat,
    generate,
    merge,
    p1_for,
    reordered_ties,
    shifted,
    steps,
    with_ties,
    z1,
)

START_MS = 1_750_000_000_123


def made(*sources: Source, seconds: float = 60.0, seed: int = 5) -> Traffic:
    return generate(sources, START_MS, seconds, np.random.default_rng(seed))


def test_curve_is_linear_between_knots_and_the_later_value_holds_at_a_step() -> None:
    curve = Curve(((10.0, 1.0), (20.0, 3.0), (20.0, 7.0), (30.0, 7.0)))
    assert curve.at(np.array([0.0, 10.0, 15.0, 20.0, 25.0, 99.0])).tolist() == [1.0, 1.0, 2.0, 7.0, 7.0, 7.0]


def test_steps_hold_each_value_until_the_next() -> None:
    assert steps(0.1, (5.0, 0.4), (9.0, 0.1)).at(np.array([0.0, 4.9, 5.0, 8.9, 9.0])).tolist() == [0.1, 0.1, 0.4, 0.4, 0.1]


@pytest.mark.parametrize("knots", [(), ((5.0, 1.0), (1.0, 1.0)), ((0.0, -1.0),)])
def test_a_wrong_curve_is_refused(knots: tuple[tuple[float, float], ...]) -> None:
    with pytest.raises(ValueError, match="knots"):
        Curve(knots)


def test_rate_and_share_of_errors_are_those_of_the_curves() -> None:
    traffic = made(Source("a", steps(50.0, (100.0, 200.0)), steps(0.02, (100.0, 0.3))), seconds=200.0)
    late = traffic.ts_ms >= START_MS + 100_000
    for part, logs, share in ((~late, 5_000, 0.02), (late, 20_000, 0.3)):
        assert abs(part.sum() - logs) < 4 * math.sqrt(logs)
        assert abs(traffic.errors[part].mean() - share) < 4 * math.sqrt(share * (1 - share) / logs)


def test_arrivals_are_poisson() -> None:
    traffic = made(Source("a", flat(40.0), flat(0.0)), seconds=1000.0)
    counts = np.bincount((traffic.ts_ms - START_MS) // 1000, minlength=1000)
    assert 0.85 < counts.var() / counts.mean() < 1.15


def test_same_seed_same_stream_and_another_seed_another() -> None:
    sources = (Source("a", flat(100.0), flat(0.1)), Source("b", flat(50.0), flat(0.5)))
    first, again, other = made(*sources), made(*sources), made(*sources, seed=6)
    assert all(np.array_equal(getattr(first, c), getattr(again, c)) for c in ("ts_ms", "service", "level", "message"))
    assert not np.array_equal(first.ts_ms, other.ts_ms)


def test_a_source_does_not_depend_on_those_after_it() -> None:
    a, b = Source("a", flat(100.0), flat(0.1)), Source("b", flat(50.0), flat(0.5))
    together, alone = made(a, b), made(a)
    assert np.array_equal(together.ts_ms[together.service == 0], alone.ts_ms)


def test_time_is_in_order_and_within_the_stream() -> None:
    traffic = made(Source("a", flat(300.0), flat(0.1)), Source("b", flat(5.0), flat(0.1)))
    assert (np.diff(traffic.ts_ms) >= 0).all()
    assert traffic.ts_ms[0] >= traffic.start_ms and traffic.ts_ms[-1] < traffic.end_ms == START_MS + 60_000


def test_a_silent_source_has_no_logs() -> None:
    assert len(made(Source("a", flat(0.0), flat(0.5)))) == 0


def test_odd_case_spells_every_error_oddly() -> None:
    traffic = made(Source("a", flat(200.0), flat(0.5), odd_case=True))
    spelled = {LEVELS[level] for level in traffic.level[traffic.errors]}
    assert spelled == {"ERROR", "Fatal", "eRRor", "FATAL"}


def test_effect_size_has_a_floor_under_p0() -> None:
    assert z1(100.0, 0.0, 0.2) == pytest.approx(0.2 * 10 / math.sqrt(0.001 * 0.999))
    assert z1(100.0, 0.2, 0.6) == pytest.approx(0.4 * 10 / 0.4)


def test_p1_has_the_wanted_size_and_the_extra_errors() -> None:
    assert z1(600.0, 0.2, p1_for(600.0, 0.2, 9.0, 20.0)) == pytest.approx(9.0)
    assert (p1_for(80.0, 0.001, 8.0, 24.0) - 0.001) * 80.0 == pytest.approx(24.0)
    with pytest.raises(ValueError, match="cannot reach"):
        p1_for(20.0, 0.2, 8.0, 20.0)


def test_merging_joins_equal_names_and_keeps_the_order_of_parts_at_equal_times() -> None:
    one = made(Source("x", flat(50.0), flat(0.0)), seed=1)
    two = made(Source("y", flat(50.0), flat(1.0)), seed=2)
    coarse = merge([with_ties(one, 1000), with_ties(two, 1000), with_ties(one, 1000)])
    assert coarse.services == ("x", "y") and len(coarse) == 2 * len(one) + len(two)
    second = coarse.service[coarse.ts_ms == coarse.ts_ms[len(coarse) // 2]].tolist()
    assert second == sorted(second[: second.index(1)]) + [1] * second.count(1) + [0] * (second.count(0) - second.index(1))


def test_a_shift_moves_everything_alike() -> None:
    traffic = made(Source("a", flat(10.0), flat(0.1)))
    later = shifted(traffic, 7_000)
    assert (later.ts_ms - traffic.ts_ms == 7_000).all() and later.end_ms - traffic.end_ms == 7_000


def test_ties_are_reordered_only_among_themselves_and_only_inside_the_stretch() -> None:
    traffic = with_ties(made(Source("a", flat(200.0), flat(0.3))), 100)
    keys = -np.arange(len(traffic), dtype=np.float64)
    middle = START_MS + 30_000
    changed = reordered_ties(traffic, keys, from_ms=middle)
    assert np.array_equal(changed.ts_ms, traffic.ts_ms)
    before = traffic.ts_ms < middle
    assert np.array_equal(changed.message[before], traffic.message[before])
    assert not np.array_equal(changed.message, traffic.message)
    assert np.array_equal(np.sort(changed.message), np.sort(traffic.message))


def test_a_part_of_the_stream() -> None:
    traffic = made(Source("a", flat(100.0), flat(0.1)))
    part = between(traffic, START_MS + 10_000, START_MS + 20_000)
    assert part.ts_ms.min() >= START_MS + 10_000 and part.ts_ms.max() < START_MS + 20_000
