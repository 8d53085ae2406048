"""DD-01: no two pages of one fingerprint within a window. DD-10: every accepted event has a page that covers it.

For each: courses of events, crashes at every crash point, and interleavings of two and three processors, chosen one round trip at a
time. A failing schedule is shrunk, and charged if it fails in real time too.
"""

from __future__ import annotations

from collections.abc import Sequence

import pytest

from challenges.alert_dedup.courses import AT_ONCE, HELD, ONE_BY_ONE, met
from challenges.alert_dedup.crashes import calibrate, cases, log_rows, new_event, redelivery
from challenges.alert_dedup.interleave import SCENES
from challenges.alert_dedup.judging import Case, Grounds, Judgement, decide, judge, sum_up, violation
from challenges.alert_dedup.searching import search
from harness.explore.search import Ended
from harness.runtime.trial import Trial

CRASHES = "crashes"


@pytest.mark.requirement("DD-01")
def test_no_page_twice_within_a_window(trial: Trial) -> None:
    _judge(trial, "DD-01")


@pytest.mark.requirement("DD-10")
def test_every_accepted_event_is_paged(trial: Trial) -> None:
    _judge(trial, "DD-10")


def _judge(trial: Trial, requirement: str) -> None:
    races = (HELD, *AT_ONCE) if requirement == "DD-01" else AT_ONCE
    wanted = trial.cases([*(case.name for case in (*ONE_BY_ONE, *races)), CRASHES, *(scene.name for scene in SCENES)])
    with Grounds(trial) as grounds:
        # Schedules before courses in which events race: a witness that was chosen can be shown again.
        runs_of = [_courses(trial, grounds, requirement, ONE_BY_ONE, wanted)]
        searched = [search(trial, grounds, requirement, scene) for scene in SCENES if scene.name in wanted]
        points = _crashes(trial, grounds, requirement) if CRASHES in wanted else 0
        runs_of.append(_courses(trial, grounds, requirement, races, wanted))
    runs = sum(report.runs for report in searched)
    cut = sum(report.ended is Ended.STOPPED for report in searched)
    judgement = Judgement(
        (requirement,),
        [run for one in runs_of for run in one.played],
        passing=[seen for one in runs_of for seen in one.passing],
    )
    trial.summary(
        sum_up(judgement, "courses of events")
        + f"; {runs} schedules of {len(searched)} scenes, and {points} crashes, broke nothing"
        + met(entry for run in judgement.played for entry in run.entries)
        + (f" ({cut} of the scenes were cut off by time)" if cut else "")
    )


def _courses(trial: Trial, grounds: Grounds, requirement: str, cases: Sequence[Case], wanted: Sequence[str]) -> Judgement:
    """Those of the courses that are wanted. Raises Violation or Undecided."""
    chosen = [case for case in cases if case.name in wanted]
    if not chosen:
        return Judgement((requirement,))
    judgement = judge(trial, grounds, [requirement], chosen, in_real_time=["one window"])
    decide(trial, judgement)
    return judgement


# -- crashes -----------------------------------------------------------------------------------------------------------------------


def _crashes(trial: Trial, grounds: Grounds, requirement: str) -> int:
    """Kills the owner at every crash point; how many runs that were. Raises Violation or Undecided."""
    calibration = calibrate(grounds.field(real=False))
    trial.evidence(
        {"kind": "table", "title": "Round trips of one offer", "columns": ["k", "round trip"], "rows": log_rows(calibration)}
    )
    wanted = [
        *cases(calibration, calibration.points, "new event", new_event),
        *cases(calibration, calibration.points, "redelivery", redelivery),
    ]
    judgement = judge(trial, grounds, [requirement], wanted, every=True)
    if judgement.charged:
        run, _ = judgement.charged[0]
        raise violation(trial, judgement, cases=[CRASHES], crash=run.case)
    decide(trial, judgement)
    return len(judgement.played)
