"""Shrinking: the witness is as short as it gets, it was really played, and a flaky failure is called so."""

from __future__ import annotations

from itertools import count

import pytest

from harness.explore.choosers import Following, forced_part
from harness.explore.schedules import Choose, Played
from harness.explore.search import Plan, explore
from harness.explore.shrink import shrink
from tests.harness.explore.simulated import (
    Program,
    Simulated,
    Store,
    emitted_twice,
    every_run,
    noting,
    polling,
    preemptions_of,
    read_then_insert,
    several,
)


def failing_runs(programs: dict[str, Program]) -> list[Played]:
    return [run for run in every_run(Simulated(programs, emitted_twice)) if run.failed]


@pytest.mark.parametrize("rest", [0, 1])
def test_read_then_insert_shrinks_to_the_shortest_from_wherever_it_failed(rest: int) -> None:
    programs = several(2, read_then_insert(rest))
    for failing in failing_runs(programs):
        shrunk = shrink(Simulated(programs, emitted_twice), failing)
        assert shrunk.played.schedule == ("p0", "p1", "p1", *["p1"] * rest, "p0", *["p0"] * rest)
        assert (shrunk.preemptions, shrunk.forced) == (1, ("p0", "p1"))
        assert shrunk.confirmed and shrunk.settled and shrunk.played.failed


def test_fewer_round_trips_are_better_where_preemptions_are_equal() -> None:
    """The third processor need not take part: it reads after the others and inserts nothing."""
    programs = several(3, read_then_insert())
    runs = failing_runs(programs)
    shortest = min((preemptions_of(run), len(run.steps)) for run in runs)
    assert shortest == (1, 5)
    for failing in runs[:: max(1, len(runs) // 25)]:
        shrunk = shrink(Simulated(programs, emitted_twice), failing)
        assert (shrunk.preemptions, len(shrunk.played.steps)) == shortest
        assert shrunk.confirmed


def test_what_needs_two_preemptions_keeps_two() -> None:
    def bug(store: Store) -> bool:
        order = [note for note in store.notes if note in "acbd"]
        return order == list("acbd")

    programs = {"p0": noting("x", "a", "x", "b", "x"), "p1": noting("y", "c", "y", "d"), "p2": noting("z", "z", "z")}
    found = explore(Simulated(programs, bug), seed=3, plan=Plan(max_preemptions=0, random_runs=500, depth=6, go_on=True))
    long = [run for run in found.failures if preemptions_of(run) > 2]
    assert long, "there has to be something to shrink"
    for failing in long:
        shrunk = shrink(Simulated(programs, bug), failing)
        assert shrunk.preemptions == 2 == preemptions_of(shrunk.played)
        assert shrunk.confirmed


def test_polls_go_and_are_not_traded_for_a_preemption() -> None:
    """Letting p1 poll until its patience ends would save a preemption, and make the witness unreadable."""

    def waited(store: Store) -> bool:
        return "p1 polled" in store.notes

    programs = several(2, polling())
    for forced in (("p0", "p1"), ("p0", "p1", "p1", "p1", "p1", "p0"), ("p0", "p1", "p1", "p1", "p0", "p1", "p1", "p0")):
        start = Following(forced).run(Simulated(programs, waited))
        assert start.failed
        shrunk = shrink(Simulated(programs, waited), start)
        assert (shrunk.preemptions, shrunk.forced) == (2, ("p0", "p1", "p0"))
        assert len(shrunk.played.steps) == 7, "three round trips each, and one poll"


def test_a_turn_gets_as_short_as_the_failure_allows() -> None:
    programs = several(2, polling())

    def waited_long(store: Store) -> bool:
        return store.notes.count("p1 polled") >= 2

    start = Following(("p0", *["p1"] * 3, "p0")).run(Simulated(programs, waited_long))
    shrunk = shrink(Simulated(programs, waited_long), start)
    assert shrunk.forced == ("p0", "p1", "p1", "p0"), "one poll of three less, which is neither half nor all but one"


def test_a_failure_that_needs_no_force_is_seen_at_once() -> None:
    programs = several(3, read_then_insert(3))
    start = Following(("p2", "p1", "p0", "p2", "p1", "p0")).run(Simulated(programs, lambda store: True))
    shrunk = shrink(Simulated(programs, lambda store: True), start, max_plays=2)
    assert (shrunk.preemptions, shrunk.forced) == (0, ())


def test_plays_are_bounded_and_the_last_one_confirms() -> None:
    programs = several(2, read_then_insert(3))
    failing = max(failing_runs(programs), key=preemptions_of)
    for limit in (1, 2, 5):
        play = Simulated(programs, emitted_twice)
        shrunk = shrink(play, failing, max_plays=limit)
        assert shrunk.plays == len(play.played) <= limit
        assert shrunk.confirmed and not shrunk.settled
    assert shrink(Simulated(programs, emitted_twice), failing, stop=lambda: True).plays == 1


def test_a_failure_that_does_not_come_again_is_flaky() -> None:
    programs = several(2, read_then_insert())
    failing = failing_runs(programs)[0]
    shrunk = shrink(Simulated(programs), failing)
    assert not shrunk.confirmed
    assert shrunk.played is failing, "the run that did fail is what there is to show"


def test_a_failure_by_another_schedule_confirms_nothing() -> None:
    """The run goes astray at the end, and fails nevertheless."""
    programs = several(2, read_then_insert())
    failing = min(failing_runs(programs), key=lambda run: (preemptions_of(run), run.schedule))
    runs = count()

    def play(choose: Choose) -> Played:
        return Simulated(programs if next(runs) else several(3, read_then_insert()), lambda store: True)(choose)

    assert not shrink(play, failing, max_plays=1).confirmed


def test_nothing_is_played_for_a_run_that_did_not_fail() -> None:
    with pytest.raises(ValueError, match="failed"):
        shrink(Simulated({}), Played((), failed=False))
    with pytest.raises(ValueError, match="one play"):
        shrink(Simulated({}), Played((), failed=True), max_plays=0)


def test_the_forced_part_alone_plays_the_schedule() -> None:
    for run in every_run(Simulated(several(2, read_then_insert(1)))):
        forced = forced_part(run.steps)
        assert run.schedule[: len(forced)] == forced
        play = Simulated(several(2, read_then_insert(1)))
        assert Following(forced).run(play).schedule == run.schedule
