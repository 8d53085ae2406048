"""The search: complete within its bound, honest about its limits, the same for the same seed."""

from __future__ import annotations

from dataclasses import replace
from itertools import count, permutations
from math import comb, factorial

import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from harness.explore.schedules import Choose, Played, Schedule
from harness.explore.search import Ended, Plan, explore
from tests.harness.explore.simulated import (
    Program,
    Simulated,
    Store,
    emitted_twice,
    every_run,
    insert_if_absent,
    noting,
    plain,
    polling,
    preemptions_of,
    read_then_insert,
    several,
    under_lock,
)

BOUNDED = Plan(random_runs=0, go_on=True)


def within(programs: dict[str, Program], bound: int) -> set[Schedule]:
    """By brute force: the schedules that have at most so many preemptions."""
    return {run.schedule for run in every_run(Simulated(programs)) if preemptions_of(run) <= bound}


def test_read_then_insert_is_found_with_one_preemption() -> None:
    report = explore(Simulated(several(2, read_then_insert()), emitted_twice), seed=1)
    assert report.failing is not None
    assert preemptions_of(report.failing) == 1
    assert report.ended is Ended.FAILED
    assert report.by_preemptions[2] == 0 and report.randomised == 0


@pytest.mark.parametrize(("processors", "rest"), [(2, 0), (2, 2), (3, 0), (3, 1)])
def test_insert_if_absent_is_played_in_every_order_and_holds(processors: int, rest: int) -> None:
    programs = several(processors, insert_if_absent(rest))
    report = explore(Simulated(programs, emitted_twice), seed=1, plan=replace(BOUNDED, max_preemptions=9))
    trips = rest + 1
    assert report.enumerated == factorial(processors * trips) // factorial(trips) ** processors
    assert not report.failures and report.exhausted and report.beyond == 0
    assert report.ended is Ended.FINISHED


@pytest.mark.parametrize("trips", [1, 2, 3, 4])
def test_two_processors_with_at_most_one_preemption_have_as_many_schedules_as_one_can_count(trips: int) -> None:
    report = explore(Simulated(several(2, plain(trips))), seed=1, plan=replace(BOUNDED, max_preemptions=1))
    # Either one goes first; it is left once after some of its round trips but not all, and the other one then ends.
    assert report.by_preemptions == (2, 2 * (trips - 1))
    everything = explore(Simulated(several(2, plain(trips))), seed=1, plan=replace(BOUNDED, max_preemptions=9))
    assert everything.enumerated == comb(2 * trips, trips)


def test_nothing_random_is_played_where_every_schedule_was() -> None:
    report = explore(Simulated(several(2, plain(1))), seed=1)
    assert (report.enumerated, report.randomised, report.ended) == (2, 0, Ended.FINISHED)


def test_a_lock_blocks_and_the_blocked_one_is_left_for_free() -> None:
    play = Simulated(several(2, under_lock(read_then_insert())), emitted_twice)
    report = explore(play, seed=1, plan=replace(BOUNDED, max_preemptions=4))
    assert not report.failures and report.exhausted
    assert report.blocked > 0
    assert set(play.played) == within(several(2, under_lock(read_then_insert())), 4)
    one = explore(Simulated(several(2, under_lock(plain(1)))), seed=1, plan=replace(BOUNDED, max_preemptions=1))
    assert one.blocked > 0, "p0 has the lock, p1 runs into it, p0 goes on: one preemption"


def test_a_bug_of_two_preemptions_needs_the_bound_two() -> None:
    def play() -> Simulated:
        return Simulated({"p0": noting("a", "b"), "p1": noting("c", "d")}, lambda store: store.notes == list("acbd"))

    missed = explore(play(), seed=1, plan=Plan(max_preemptions=1, random_runs=0))
    found = explore(play(), seed=1, plan=Plan(max_preemptions=2, random_runs=0))
    assert missed.exhausted and not missed.failures and missed.beyond > 0
    assert found.failing is not None and found.failing.schedule == ("p0", "p1", "p0", "p1")


def nested(store: Store) -> bool:
    """c2 between b1 and b2, and these between a1 and a2."""
    return [note for note in store.notes if len(note) == 2] == ["a1", "b1", "c2", "b2", "a2"]


def test_a_bug_of_depth_three_is_found_by_random_priorities_alone() -> None:
    programs = {"p0": noting("a", "a1", "a2"), "p1": noting("b", "b1", "b2"), "p2": noting("c", "c2", "c")}
    plan = Plan(max_preemptions=1, random_runs=300, depth=3)
    report = explore(Simulated(programs, nested), seed=7, plan=plan)
    assert report.exhausted and report.randomised > 0
    assert report.failing is not None and preemptions_of(report.failing) == 2 and report.ended is Ended.FAILED
    shallow = explore(Simulated(programs, nested), seed=7, plan=replace(plan, depth=1))
    assert not shallow.failures and shallow.randomised == 300, "without a change of priorities nobody is preempted"


class Unsteady:
    """p1 takes part in every other run only."""

    def __init__(self) -> None:
        self._runs = count()

    def __call__(self, choose: Choose) -> Played:
        trips = 1 - next(self._runs) % 2
        return Simulated({"p0": plain(2), "p1": plain(trips)})(choose)


def test_a_candidate_that_does_not_repeat_itself_is_counted_and_endured() -> None:
    report = explore(Unsteady(), seed=1, plan=BOUNDED)
    assert report.diverged > 0
    assert not report.exhausted, "what could not be forced was not played"
    assert report.ended is Ended.FINISHED


def test_a_run_that_comes_again_is_counted() -> None:
    """What is forced no longer exists after the first run, and the usual policy plays the same again."""
    lengths = iter([3, *[1] * 50])

    def play(choose: Choose) -> Played:
        return Simulated(several(2, plain(next(lengths))))(choose)

    report = explore(play, seed=1, plan=BOUNDED)
    assert report.diverged > 0 and report.repeated > 0


def test_limits_cut_and_say_so() -> None:
    programs = several(3, plain(3))
    cut = explore(Simulated(programs), seed=1, plan=Plan(max_runs=10, random_runs=0))
    assert (cut.runs, cut.exhausted, cut.ended) == (10, False, Ended.MAX_RUNS)
    shared = explore(Simulated(programs), seed=1, plan=Plan(max_runs=10, random_runs=100))
    assert (shared.enumerated, shared.randomised, shared.ended) == (5, 5, Ended.MAX_RUNS)
    few = explore(Simulated(programs), seed=1, plan=Plan(max_runs=10, random_runs=3))
    assert (few.enumerated, few.randomised, few.ended) == (7, 3, Ended.MAX_RUNS)


@pytest.mark.parametrize("allowed", [0, 1, 9, 60])
def test_the_caller_can_stop_it_before_any_run(allowed: int) -> None:
    asked = count()
    plan = Plan(max_preemptions=1, random_runs=50)
    report = explore(Simulated(several(3, plain(3))), seed=1, plan=plan, stop=lambda: next(asked) >= allowed)
    assert (report.runs, report.ended) == (allowed, Ended.STOPPED)
    assert report.exhausted is (report.randomised > 0)


def test_all_failures_come_back_if_it_goes_on() -> None:
    programs = several(2, read_then_insert(1))
    report = explore(Simulated(programs, emitted_twice), seed=1, plan=BOUNDED)
    expected = {r.schedule for r in every_run(Simulated(programs, emitted_twice)) if r.failed and preemptions_of(r) <= 2}
    assert {failed.schedule for failed in report.failures} == expected
    assert len(report.failures) == len(expected)


def test_one_seed_gives_one_hash() -> None:
    plan = Plan(max_preemptions=1, random_runs=20)

    def hashed(seed: int, plan: Plan = plan) -> str:
        return explore(Simulated(several(3, plain(3))), seed=seed, plan=plan).schedule_hash

    assert hashed(5) == hashed(5)
    assert len({hashed(5), hashed(6), hashed(5, replace(plan, random_runs=21))}) == 3
    # Written down, so that a change of the order of play does not pass unseen: recorded hashes would no longer be comparable.
    assert hashed(5, replace(plan, random_runs=0)) == "c961d252b6a6c148"


@pytest.mark.parametrize(("processors", "trips", "bound"), [(2, 3, 2), (3, 2, 2), (3, 2, 9), (4, 1, 0)])
def test_each_schedule_pruned_by_symmetry_has_one_that_was_played(processors: int, trips: int, bound: int) -> None:
    programs = several(processors, plain(trips))
    play = Simulated(programs)
    report = explore(play, seed=1, plan=replace(BOUNDED, max_preemptions=bound, symmetric=True))
    everything = within(programs, bound)
    assert set(play.played) == {renamed(schedule) for schedule in everything}
    assert len(play.played) == len(set(play.played)) == len(everything) // factorial(processors)
    assert report.pruned > 0


def renamed(schedule: Schedule) -> Schedule:
    """Processors called p0, p1, ... as they come."""
    order = list(dict.fromkeys(schedule))
    return tuple(f"p{order.index(name)}" for name in schedule)


def test_symmetry_is_also_seen_in_random_runs() -> None:
    plan = Plan(max_preemptions=0, random_runs=30, depth=1, symmetric=True)
    report = explore(Simulated(several(3, plain(2))), seed=1, plan=plan)
    assert (report.enumerated, report.repeated) == (1, 30), "without preemptions there is but one run up to renaming"
    by_name = explore(Simulated(several(3, plain(2))), seed=1, plan=replace(plan, symmetric=False))
    assert (by_name.enumerated, by_name.repeated) == (6, 30)


def test_symmetry_loses_no_bug() -> None:
    plan = Plan(random_runs=0, symmetric=True)
    report = explore(Simulated(several(3, read_then_insert()), emitted_twice), seed=1, plan=plan)
    assert report.failing is not None


def test_polling_for_a_lock_ends_and_everyone_gets_it() -> None:
    programs = several(3, polling())

    def left_out(store: Store) -> bool:
        return len([note for note in store.notes if note in programs]) != 3

    plan = Plan(max_preemptions=2, random_runs=30, patience=5)
    report = explore(Simulated(programs, left_out), seed=1, plan=plan)
    assert report.exhausted and report.randomised == 30 and not report.failures


def test_names_can_be_anything() -> None:
    odd = {'a","b': plain(1), "a": plain(1), "": plain(1)}
    play = Simulated(odd)
    assert explore(play, seed=1, plan=BOUNDED).enumerated == 6
    assert set(play.played) == set(permutations(odd))


def test_a_system_without_round_trips_is_one_run() -> None:
    report = explore(Simulated({}), seed=1)
    assert (report.runs, report.exhausted, report.ended) == (1, True, Ended.FINISHED)


@pytest.mark.parametrize(
    "wrong", [{"max_preemptions": -1}, {"random_runs": -1}, {"max_runs": 0}, {"depth": 0}, {"patience": 0}]
)
def test_senseless_numbers_are_refused(wrong: dict[str, int]) -> None:
    with pytest.raises(ValueError, match="have to be"):
        Plan(**wrong)  # type: ignore[arg-type]


@settings(max_examples=40)
@given(lengths=st.lists(st.integers(1, 4), min_size=2, max_size=3), bound=st.integers(0, 2))
def test_what_is_played_is_what_has_few_preemptions(lengths: list[int], bound: int) -> None:
    play = Simulated({f"p{number}": plain(length) for number, length in enumerate(lengths)})
    report = explore(play, seed=1, plan=replace(BOUNDED, max_preemptions=bound, max_runs=100_000))
    assert report.exhausted
    assert len(play.played) == len(set(play.played)) == report.enumerated
    assert set(play.played) == set(interleavings(tuple(lengths), bound))


def interleavings(left: tuple[int, ...], bound: int, last: int | None = None) -> list[Schedule]:
    """Every order of so many round trips each with at most `bound` preemptions, for processors that never wait in the store."""
    if not any(left):
        return [()]
    found: list[Schedule] = []
    for number, trips in enumerate(left):
        cost = int(last is not None and last != number and left[last] > 0)
        if trips and cost <= bound:
            after = (*left[:number], trips - 1, *left[number + 1 :])
            found += [(f"p{number}", *rest) for rest in interleavings(after, bound - cost, number)]
    return found


@settings(max_examples=40)
@given(
    shapes=st.lists(st.tuples(st.integers(1, 2), st.booleans()), min_size=2, max_size=3),
    bound=st.integers(0, 3),
)
def test_the_same_holds_where_processors_block_each_other(shapes: list[tuple[int, bool]], bound: int) -> None:
    locked_trips = sum(trips + 2 * locked for trips, locked in shapes)
    if locked_trips > 9:  # brute force would take too long
        shapes = shapes[:2]
    programs = {f"p{i}": under_lock(plain(trips)) if locked else plain(trips) for i, (trips, locked) in enumerate(shapes)}
    play = Simulated(programs)
    assert explore(play, seed=1, plan=replace(BOUNDED, max_preemptions=bound, max_runs=100_000)).exhausted
    assert len(play.played) == len(set(play.played))
    assert set(play.played) == within(programs, bound)
