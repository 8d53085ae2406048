"""DD-22: the owner's connection is reset at every crash point: it connects again, pages once (DD-01, DD-03), loses nothing (DD-10)."""

from __future__ import annotations

import pytest

from challenges.alert_dedup.crashes import calibrate
from challenges.alert_dedup.judging import Grounds, decide_under_faults, judge, sum_up
from challenges.alert_dedup.resets import cases, name_of
from harness.runtime.proxy import Point
from harness.runtime.trial import Trial


@pytest.mark.requirement("DD-22")
def test_a_broken_connection_is_made_again(trial: Trial) -> None:
    with Grounds(trial) as grounds:
        calibration = calibrate(grounds.field(real=False))
        points = calibration.points
        shown = next(where for where in points if where.point is Point.AFTER)
        judgement = judge(
            trial, grounds, ["DD-01", "DD-03", "DD-10"], cases(calibration, points), in_real_time=[name_of(shown)]
        )
    decide_under_faults(trial, judgement)
    trial.summary(sum_up(judgement, f"{len(points)} crash points, the connection reset at each"))
