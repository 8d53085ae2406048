"""Searches a scene for a schedule that breaks a rule of the checker: explored in virtual time, shrunk, charged in real time."""

from __future__ import annotations

import math
import time
from collections.abc import Callable
from dataclasses import dataclass, replace

from challenges.alert_dedup.interleave import COUNT_COLUMNS, Scene, Stage, counts_row, steps_shown
from challenges.alert_dedup.judging import Grounds, Judgement, Played, show_note, violation
from harness.explore.choosers import Following
from harness.explore.schedules import Played as PlayedSchedule
from harness.explore.search import Ended, Plan, Report, explore
from harness.explore.shrink import Shrunk, shrink
from harness.runtime.trial import Trial, Undecided, derive_seed

QUICK = Plan(max_runs=400, random_runs=60)
FULL = Plan(max_runs=4000, random_runs=1000)
WAITING = Plan(max_runs=12, random_runs=4)
REAL = Plan(max_runs=60, random_runs=10)
SHRINK_PLAYS = 120
SHARE = 0.2
# What a slow candidate must at least be shown under; with fewer schedules nothing was shown.
LEAST_RUNS = 40


@dataclass(frozen=True, slots=True)
class Search:
    """One scene, its stage in virtual time, and the plan."""

    scene: Scene
    stage: Stage
    plan: Plan
    seed: int


def search(trial: Trial, grounds: Grounds, requirement: str, scene: Scene) -> Report:
    """Searches a scene. Raises Violation for a failing schedule that fails in real time too, Undecided where nothing was shown."""
    stage = Stage(grounds.field(real=False), scene, [requirement])
    plan = _plan(trial, scene, real=stage.field.real)
    made = Search(scene, stage, plan, derive_seed(trial.seed, f"{requirement}/{scene.name}"))
    told = (trial.cell.replay or {}).get("schedule")
    if told:
        _replay(trial, grounds, made, tuple(map(str, told)), requirement)
    report = explore(stage.play, seed=made.seed, plan=plan, stop=_time_is_up(trial, requirement))
    trial.evidence(
        {"kind": "table", "title": "Schedules played", "columns": list(COUNT_COLUMNS), "rows": [counts_row(scene.name, report)]}
    )
    if report.failing is not None:
        _charge(trial, grounds, made, report, requirement)
        # Its timers do not follow a time that jumps: what is left to search is searched in real time.
        report = _search_real(trial, grounds, made, requirement)
    if report.ended is Ended.STOPPED and report.runs < LEAST_RUNS:
        raise Undecided(f"its time was over after {report.runs} schedules of the scene {scene.name!r}, none of them broken")
    return report


def _search_real(trial: Trial, grounds: Grounds, made: Search, requirement: str) -> Report:
    """Searches the scene in real time, a little way. Raises Violation for the first schedule that fails."""
    stage = Stage(grounds.field(real=True), made.scene, [requirement])
    report = explore(stage.play, seed=made.seed, plan=REAL, stop=trial.over_budget)
    if report.failing is not None:
        judgement = Judgement((requirement,), [run_of(report.failing)])
        judgement.charge(run_of(report.failing))
        more = {"schedule": list(report.failing.schedule), "decisions": steps_shown(report.failing.steps)}
        raise violation(trial, judgement, cases=[made.scene.name], **more)
    return report


def _time_is_up(trial: Trial, requirement: str) -> Callable[[], bool]:
    """Whether a scene's share of the requirement's time is over; the page says which scenes were not searched to their end."""
    until = time.monotonic() + SHARE * trial.cell.budgets_s.get(requirement, math.inf)
    return lambda: trial.over_budget() or time.monotonic() > until


def _replay(trial: Trial, grounds: Grounds, search: Search, schedule: tuple[str, ...], requirement: str) -> None:
    """Plays a witness's schedule in real time. Raises Violation if it fails again."""
    again = Following(schedule).run(Stage(grounds.field(real=True), search.scene, [requirement]).play)
    if again.failed:
        judgement = Judgement((requirement,), [run_of(again)])
        judgement.charge(run_of(again))
        more = {"schedule": list(again.schedule), "decisions": steps_shown(again.steps)}
        raise violation(trial, judgement, cases=[search.scene.name], **more)


def _plan(trial: Trial, scene: Scene, *, real: bool) -> Plan:
    """How far a scene is searched: a little way only where every run waits for the end of a window."""
    base = WAITING if scene.waits and real else QUICK if trial.quick else FULL
    return replace(base, symmetric=scene.alike and len(scene.names) > 2)


def _charge(trial: Trial, grounds: Grounds, search: Search, report: Report, requirement: str) -> None:
    """Shrinks what failed and plays it in real time: Violation if it fails there, else a note on the page."""
    failing = report.failing
    if failing is None:
        return
    found = shrink(search.stage.play, failing, max_plays=SHRINK_PLAYS)
    real = Following(found.played.schedule).run(Stage(grounds.field(real=True), search.scene, [requirement]).play)
    judgement = Judgement((requirement,), [run_of(found.played), run_of(real)])
    if not real.failed:
        how = " ".join(found.played.schedule)
        show_note(
            trial,
            f"the schedule {how} ({search.scene.name}) broke it in virtual time; in real time it did not, and real time decides",
        )
        return
    judgement.charge(run_of(real))
    raise violation(trial, judgement, cases=[search.scene.name], **shown(found, report))


def shown(found: Shrunk, report: Report) -> dict[str, object]:
    """What a witness says of a schedule."""
    return {
        "schedule": list(found.played.schedule),
        "preemptions": found.preemptions,
        "decisions": steps_shown(found.played.steps),
        "confirmed": found.confirmed,
        "found_after": report.runs,
        "schedule_hash": report.schedule_hash,
    }


def run_of(played: PlayedSchedule) -> Played:
    """The run behind a schedule."""
    if not isinstance(played.evidence, Played):
        raise TypeError(f"a schedule was played without its run: {played.evidence!r}")
    return played.evidence
