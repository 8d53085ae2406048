"""DD-23: the owner is stopped at each crash point and wakes up later, in real time: it mints nothing that breaks DD-01."""

from __future__ import annotations

from collections.abc import Sequence

import pytest

from challenges.alert_dedup.crashes import Calibration, CrashPoint, calibrate, log_rows
from challenges.alert_dedup.failing import locked_at
from challenges.alert_dedup.field import Field
from challenges.alert_dedup.judging import Judgement, decide_under_faults, sum_up
from challenges.alert_dedup.lanes import LANES, gather, play_side_by_side
from challenges.alert_dedup.pauses import Nap, case_of, naps
from harness.runtime.trial import Trial

MOST_POINTS = 8
"""In the quick profile."""


@pytest.mark.requirement("DD-23")
def test_who_wakes_up_mints_nothing(trial: Trial) -> None:
    first = Field(trial, real=True)
    calibration = calibrate(first)
    columns = ["k", "round trip"]
    trial.evidence({"kind": "table", "title": "Round trips of one offer", "columns": columns, "rows": log_rows(calibration)})
    points = _drawn(trial, calibration)
    locked = locked_at(first, points)
    wanted = trial.cases(naps(points, first.rules), key=lambda nap: nap.name)
    judgement = _judge(trial, first, calibration, wanted)
    trial.figure("crash_points", len(points))
    decide_under_faults(trial, judgement)
    of = len(calibration.points)
    covered = f"all {of} crash points" if len(points) == of else f"{len(points)} of {of} crash points, drawn by the seed"
    trial.summary(sum_up(judgement, f"{covered}, the owner stopped at each for three lengths of time{locked}"))


def _drawn(trial: Trial, calibration: Calibration) -> list[CrashPoint]:
    """Every point; in the quick profile so many of them at most. On a replay the witness says which."""
    points = calibration.points
    if not trial.quick or trial.replaying or len(points) <= MOST_POINTS:
        return points
    drawn = trial.rng("points at which to stop").choice(len(points), MOST_POINTS, replace=False)
    return [points[at] for at in sorted(int(at) for at in drawn)]


def _judge(trial: Trial, first: Field, calibration: Calibration, wanted: Sequence[Nap]) -> Judgement:
    """The longest first, so that no lane begins one when the others are done."""
    ordered = sorted(wanted, key=lambda nap: -nap.ms)
    cases = [case_of(calibration, nap) for nap in ordered]
    fields = [first, *(Field(trial, real=True) for _ in range(min(LANES, len(cases)) - 1))]
    return gather(["DD-01"], cases, play_side_by_side(trial, fields, cases))
