"""Whether two runs said the same, and the narrowing of a difference."""

from __future__ import annotations

from dataclasses import replace

import pytest

from challenges.anomaly_detection.alerts import SeenAlert
from challenges.anomaly_detection.sameness import exact_difference, smallest_range

ONE = SeenAlert(1000, 900, "a", "error_rate", "high", 7.5, "31 of 100 failed at 12:00:01")


def test_equal_runs_do_not_differ() -> None:
    assert exact_difference([ONE, ONE], [ONE, ONE]) is None
    assert exact_difference([], []) is None


@pytest.mark.parametrize(
    "change",
    [
        {"score": 7.5 * 1.005},
        {"score": None},
        {"severity": "low"},
        {"message": "31 of 100 failed at 12:00:02"},
        {"ts_ms": 900.5},
        {"seen_ms": 2000},
        {"kind": "volume"},
        {"service": "b"},
        {"by_tick": True},
    ],
)
def test_any_field_tells_runs_apart(change: dict[str, object]) -> None:
    assert exact_difference([ONE], [replace(ONE, **change)])


def test_an_alert_too_many_is_a_difference() -> None:
    assert exact_difference([ONE], [ONE, ONE]) == "one run had 1 alerts, the other 2"


def test_a_single_culprit_is_found() -> None:
    runs: list[tuple[int, int]] = []

    def breaks(first: int, last: int) -> bool:
        runs.append((first, last))
        return first <= 617 < last

    assert smallest_range(1000, breaks, 80) == (617, 618)
    assert len(runs) <= 80 and len(set(runs)) == len(runs)


def test_within_few_runs_the_answer_still_breaks() -> None:
    first, last = smallest_range(1000, lambda a, b: a <= 617 < b, 10)
    assert first <= 617 < last


def test_where_nothing_shorter_breaks_the_whole_is_the_answer() -> None:
    assert smallest_range(50, lambda first, last: False, 20) == (0, 50)


def test_the_search_is_repeatable() -> None:
    assert smallest_range(300, lambda a, b: b - a >= 37, 40) == smallest_range(300, lambda a, b: b - a >= 37, 40)
