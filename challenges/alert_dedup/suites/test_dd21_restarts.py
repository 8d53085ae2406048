"""DD-21: as DD-20 with the owner restarted at once, and with two owners killed: DD-01 and DD-10 hold."""

from __future__ import annotations

import pytest

from challenges.alert_dedup.crashes import BETWEEN, calibrate, cases, restarted, restarted_quietly, second_owner_too
from challenges.alert_dedup.judging import Grounds, decide, judge, sum_up
from challenges.alert_dedup.takeover import cases as struck
from challenges.alert_dedup.takeover import find
from harness.runtime.proxy import Point
from harness.runtime.trial import Trial


@pytest.mark.requirement("DD-21")
def test_restarts_keep_the_promises(trial: Trial) -> None:
    with Grounds(trial) as grounds:
        calibration = calibrate(grounds.field(real=False))
        points = calibration.points
        taken = find(grounds.field(real=False), calibration)
        wanted = [
            BETWEEN,
            *cases(calibration, points, "restarted at once", restarted),
            *cases(calibration, points, "restarted, nothing until the next window", restarted_quietly),
            *second_owner_too(calibration, points),
            *struck(calibration, taken),
        ]
        shown = next(where for where in points if where.point is Point.AFTER)
        real = [f"killed {shown.name}, restarted at once"]
        judgement = judge(trial, grounds, ["DD-01", "DD-10"], wanted, in_real_time=real)
    decide(trial, judgement)
    ticks = (
        f"; killed after each of {taken.steps} steps of a takeover on a tick"
        if taken
        else "; no step of a takeover on a tick was found to kill at"
    )
    trial.summary(sum_up(judgement, f"{len(points)} crash points, the owner restarted or a second one killed as well{ticks}"))
