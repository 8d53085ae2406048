"""The rule of five seeds, variation by variation."""

from __future__ import annotations

from collections.abc import Callable
from typing import Any

import fake_candidate as fakes
import pytest
from fake_candidate import FakeTrial

from challenges.anomaly_detection.cases import Case, Ledger, Result, decide, run_cases
from harness.errors import Undecided, Violation


def run(trial: Any, verdict: Callable[[Case], Result]) -> Ledger:
    return run_cases(trial, ["one", "two"], verdict)


def judge(trial: Any, verdict: Callable[[Case], Result]) -> None:
    decide(trial, run(trial, verdict), title="cases", failure="it went wrong", untold="nothing to tell")


def wrong_on(*seeds: int, variation: str = "two") -> Callable[[Case], Result]:
    return lambda case: Result(case, "bad" if case.variation == variation and case.seed in [f"seed-{n}" for n in seeds] else "")


def test_all_right_has_full_credit() -> None:
    trial = FakeTrial(fakes.Good)
    judge(trial, wrong_on())
    assert trial.credits == [1.0] and len(trial.evidences[0]["rows"]) == 6
    full = FakeTrial(fakes.Good, quick=False)
    judge(full, wrong_on())
    assert full.credits == [1.0] and len(full.evidences[0]["rows"]) == 10


def test_two_of_five_cost_credit_and_three_fail() -> None:
    trial = FakeTrial(fakes.Good, quick=False)
    judge(trial, wrong_on(1, 3))
    assert trial.credits == [0.8]
    judge(FakeTrial(fakes.Good), wrong_on(1, 3))
    with pytest.raises(Violation, match="3 of 5 seeds for 'two'") as caught:
        judge(FakeTrial(fakes.Good), wrong_on(0, 1, 3))
    assert caught.value.witness["cases"] == ["seed-0/two"] and caught.value.witness["failed"] == ["two"]
    assert caught.value.credit == 0.2, "the share of the five seeds that was seen to go right"


def test_wrong_cases_of_different_variations_are_not_added_up() -> None:
    judge(FakeTrial(fakes.Good), lambda case: Result(case, "bad" if case.seed in ("seed-0", "seed-1") else ""))


def test_what_has_failed_is_not_played_on() -> None:
    ledger = run(FakeTrial(fakes.Good), wrong_on(0, 1, 2))
    assert [r.case.key for r in ledger.results if r.case.variation == "two"] == ["seed-0/two", "seed-1/two", "seed-2/two"]
    assert sum(r.case.variation == "one" for r in ledger.results) == ledger.seeds == 3


def test_the_quick_profile_stops_when_two_more_could_not_fail_it() -> None:
    ledger = run(FakeTrial(fakes.Good), wrong_on(0, 2))
    assert [r.case.seed[-1] for r in ledger.results if r.case.variation == "two"] == ["0", "1", "2", "3", "4"]
    ledger = run(FakeTrial(fakes.Good), wrong_on(1))
    assert [r.case.seed[-1] for r in ledger.results if r.case.variation == "two"] == ["0", "1", "2", "3"]


def test_too_few_seeds_that_tell_decide_nothing() -> None:
    def untold(seeds: int) -> Callable[[Case], Result]:
        return lambda case: Result(case, told=case.variation == "one" or int(case.seed[-1]) >= seeds)

    judge(FakeTrial(fakes.Good), untold(2))
    with pytest.raises(Undecided, match="two"):
        judge(FakeTrial(fakes.Good), untold(3))


def test_a_replay_plays_one_case_and_any_wrong_one_fails() -> None:
    trial = FakeTrial(fakes.Good, cases=["seed-3/two"])
    with pytest.raises(Violation):
        judge(trial, wrong_on(3))
    assert len(trial.evidences[0]["rows"]) == 1


def slow(fails: bool) -> Callable[[Case], Result]:
    def play(case: Case) -> Result:
        if case.seed == ("seed-3" if fails else "seed-2"):
            raise Undecided("too slow")
        return Result(case, "bad" if fails else "")

    return play


def test_no_time_left_decides_nothing_unless_something_has_failed() -> None:
    with pytest.raises(Undecided, match="too slow"):
        judge(FakeTrial(fakes.Good), slow(False))
    with pytest.raises(Violation):
        judge(FakeTrial(fakes.Good), slow(True))
