"""Who goes next: the usual policy, patience, following and leaning, and the contract of the player."""

from __future__ import annotations

from dataclasses import replace

import numpy as np
import pytest

from harness.explore.choosers import Chooser, Following, Leaning, Trail, count_preemptions
from harness.explore.priorities import Priorities
from harness.explore.schedules import Choose, Played, Schedule, signature
from tests.harness.explore.simulated import Simulated, every_run, plain, preemptions_of, read_then_insert, several, under_lock

BOTH = ("p0", "p1")
ALL = ("p0", "p1", "p2")


def test_the_usual_policy_goes_on_and_never_preempts() -> None:
    played = Chooser().run(Simulated(several(3, plain(2))))
    assert played.schedule == ("p0", "p0", "p1", "p1", "p2", "p2")
    assert count_preemptions(played.steps) == 0


@pytest.mark.parametrize("program", [read_then_insert(1), under_lock(plain(1))])
def test_preemptions_are_counted_as_defined(program: object) -> None:
    for run in every_run(Simulated(several(2, program))):  # type: ignore[arg-type]
        assert count_preemptions(run.steps) == preemptions_of(run)


def test_patience_lets_the_others_go_in_turn_and_is_no_preemption() -> None:
    trail = Trail(patience=2)
    for _ in range(8):
        trail.take(ALL, trail.usual(ALL))
    assert trail.chosen == ["p0", "p0", "p1", "p1", "p2", "p2", "p0", "p0"]
    assert (trail.preemptions, trail.switches, trail.yields) == (0, 3, 3)
    alone = Trail(patience=1)
    for _ in range(3):
        alone.take(("p0",), alone.usual(("p0",)))
    assert alone.chosen == ["p0"] * 3


def test_following_ends_at_the_first_choice_that_is_not_ready() -> None:
    play = Simulated(several(2, plain(2)))
    steady = Following(("p1", "p0"))
    assert steady.run(play).schedule == ("p1", "p0", "p0", "p1")
    assert not steady.diverged
    astray = Following(("p1", "p9", "p0"))
    assert astray.run(play).schedule == ("p1", "p1", "p0", "p0")
    assert astray.diverged
    short = Following(("p0", "p1", "p0"))
    assert short.run(Simulated(several(2, plain(1)))).schedule == BOTH
    assert short.diverged, "not all of the beginning was played"


def test_leaning_skips_what_does_not_fit() -> None:
    chooser = Leaning(("p1", "p9", "p0", "p1"))
    assert chooser.run(Simulated(several(2, plain(2)))).schedule == ("p1", "p0", "p1", "p0")


@pytest.mark.parametrize("ready", [(), ("p1", "p0"), ("p0", "p0")])
def test_a_player_offers_sorted_and_distinct_processors(ready: Schedule) -> None:
    with pytest.raises(ValueError, match="sorted by name"):
        Chooser()(ready)


def test_a_player_reports_the_choices_that_it_was_given() -> None:
    def forgets(choose: Choose) -> Played:
        played = Simulated(several(2, plain(1)))(choose)
        return replace(played, steps=played.steps[:-1])

    def disobeys(choose: Choose) -> Played:
        played = Simulated(several(2, plain(1)))(choose)
        return replace(played, steps=(replace(played.steps[0], chosen="p1"), *played.steps[1:]))

    for play in (forgets, disobeys):
        with pytest.raises(ValueError, match="not these"):
            Chooser().run(play)


def test_priorities_preempt_less_often_than_they_change() -> None:
    seen = set()
    for seed in range(60):
        chooser = Priorities(np.random.default_rng(seed), depth=3, decisions=9)
        played = chooser.run(Simulated(several(3, plain(3))))
        assert preemptions_of(played) <= 2
        seen.add(played.schedule)
    assert len(seen) > 20
    assert {schedule[0] for schedule in seen} == set(ALL)


@pytest.mark.parametrize("decisions", [0, 1, 2])
def test_priorities_of_short_runs(decisions: int) -> None:
    chooser = Priorities(np.random.default_rng(1), depth=5, decisions=decisions)
    assert len(chooser.run(Simulated(several(2, plain(2)))).steps) == 4


def test_one_that_polls_falls_behind_all_others() -> None:
    chooser = Priorities(np.random.default_rng(1), depth=1, decisions=1, patience=2)
    made = [chooser(ALL) for _ in range(12)]
    assert made[0:12:2] == made[1:12:2]
    assert made[:6] == made[6:] and set(made) == set(ALL), "three that poll go in turn, none is left out"


def test_runs_equal_up_to_renaming_have_one_signature() -> None:
    runs = every_run(Simulated(several(2, plain(2))))
    assert len({signature(run.steps, symmetric=False) for run in runs}) == 6
    assert len({signature(run.steps, symmetric=True) for run in runs}) == 3
