"""Statistics over several commits, against values worked out by hand and by enumeration."""

from __future__ import annotations

from itertools import combinations

import pytest
from hypothesis import given
from hypothesis import strategies as st

from harness.measure.several import all_of, bootstrap_mean, duel, holm, pass_at, sign_test


@pytest.mark.parametrize(("count", "passed"), [(1, 0), (1, 1), (5, 2), (6, 5), (6, 0)])
def test_drawing_commits_agrees_with_drawing_every_set_of_them(count: int, passed: int) -> None:
    commits = [True] * passed + [False] * (count - passed)
    for k in range(1, count + 1):
        drawn = list(combinations(commits, k))
        assert pass_at(k, count, passed) == pytest.approx(sum(any(each) for each in drawn) / len(drawn))
        assert all_of(k, count, passed) == pytest.approx(sum(all(each) for each in drawn) / len(drawn))


def test_drawing_more_commits_than_there_are_is_refused() -> None:
    for k, count, passed in ((3, 2, 1), (0, 2, 1), (1, 2, 3)):
        with pytest.raises(ValueError, match="cannot be drawn"):
            pass_at(k, count, passed)


def test_a_mean_has_an_interval_from_two_values_on() -> None:
    assert bootstrap_mean([]) is None
    one = bootstrap_mean([40.0])
    assert one is not None and (one.value, one.low, one.high) == (40.0, None, None)
    several = bootstrap_mean([40.0, 60.0, 50.0, 70.0, 30.0])
    assert several is not None and several.low is not None and several.high is not None
    assert several.value == 50.0 and 30.0 < several.low < 50.0 < several.high < 70.0
    assert several == bootstrap_mean([40.0, 60.0, 50.0, 70.0, 30.0]), "the same values give the same interval"


def test_six_pairs_won_without_a_loss_are_the_first_that_say_something() -> None:
    assert sign_test(6, 0) == pytest.approx(2 / 64)
    assert sign_test(5, 1) == pytest.approx(14 / 64)
    assert sign_test(0, 0) == 1.0 and sign_test(3, 3) == 1.0
    assert duel([(1.0, 0.0)] * 5).p is None
    found = duel([(1.0, 0.0)] * 6 + [(0.5, 0.5)])
    assert (found.won, found.lost, found.tied, found.pairs) == (6, 0, 1, 7) and found.p == pytest.approx(2 / 64)


def test_holm_by_hand() -> None:
    assert holm([0.01, 0.04, 0.03]) == pytest.approx([0.03, 0.06, 0.06])
    assert holm([]) == [] and holm([0.9, 0.9]) == [1.0, 1.0]


@given(st.lists(st.floats(0, 1), max_size=12))
def test_corrected_values_never_fall_and_keep_their_order(p_values: list[float]) -> None:
    corrected = holm(p_values)
    assert all(p <= q <= 1.0 for p, q in zip(p_values, corrected, strict=True))
    ranked = [corrected[i] for i in sorted(range(len(p_values)), key=lambda i: p_values[i])]
    assert ranked == sorted(ranked)
