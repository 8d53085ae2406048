"""Whether two runs said the same, and how to find a small input for which they do not."""

from __future__ import annotations

import contextlib
from collections.abc import Callable, Sequence

from hypothesis import HealthCheck, find, settings
from hypothesis import strategies as st
from hypothesis.errors import NoSuchExample

from challenges.anomaly_detection.alerts import SeenAlert


def exact_difference(first: Sequence[SeenAlert], second: Sequence[SeenAlert]) -> str | None:
    """The first difference between the alerts of two runs of the same input, in words; None if there is none.

    Every field counts, and so does the log or tick with which an alert came; the wall clock explains nothing, for it is held
    at the same moments in both runs. Where a hold ran out (see `Detector.held`) the caller has to say what a difference means.
    """
    for index, (one, other) in enumerate(zip(first, second, strict=False)):
        if one != other:
            return f"alert {index + 1} was {one.shown()} in one run and {other.shown()} in the other"
    if len(first) != len(second):
        return f"one run had {len(first)} alerts, the other {len(second)}"
    return None


def smallest_range(size: int, breaks: Callable[[int, int], bool], most_runs: int) -> tuple[int, int]:
    """A short range [first, last) of 0..size for which `breaks(first, last)`: the earliest end found for ranges from 0,
    then the shortest found with that end, within `most_runs` calls. Deterministic.

    The whole range is taken to break, and is the answer where nothing shorter is found.
    """
    last = _smallest(size, lambda end: breaks(0, end), most_runs // 2)
    length = _smallest(last, lambda wide: breaks(last - wide, last), most_runs - most_runs // 2)
    return last - length, last


def _smallest(most: int, holds: Callable[[int], bool], most_runs: int) -> int:
    """The smallest number from 1 to `most` found for which `holds`; it is taken to hold for `most`."""
    known = {most: True}

    def condition(number: int) -> bool:
        if number not in known and len(known) <= most_runs:
            known[number] = holds(number)
        return known.get(number, False)

    if condition(1):
        return 1
    quiet = settings(
        derandomize=True,
        max_examples=4 * most_runs,
        database=None,
        deadline=None,
        suppress_health_check=list(HealthCheck),
    )
    with contextlib.suppress(NoSuchExample):
        find(st.integers(1, most), condition, settings=quiet)
    return min(number for number, held in known.items() if held)
