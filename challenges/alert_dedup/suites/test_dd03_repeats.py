"""DD-03: in a fault-free run no alert_id goes out twice; after a kill inside the ambiguous interval at most once more."""

from __future__ import annotations

import pytest

from challenges.alert_dedup.courses import FAULT_FREE, FINGERPRINT, handed_out_twice
from challenges.alert_dedup.crashes import calibrate, cases, redelivery, restarted
from challenges.alert_dedup.field import Field
from challenges.alert_dedup.judging import Case, Grounds, decide, judge, sum_up
from harness.runtime.trial import Trial

CRASHES = "crashes"


def waited_out(field: Field) -> None:
    """One page, and then nothing but ticks for longer than any lease and window."""
    field.wait(field.offer(field.names[0], FINGERPRINT), field.offer(field.names[1], FINGERPRINT))
    field.pass_ms(12_000)


COURSES = (Case("waited out", waited_out), Case("handed out twice", handed_out_twice), *FAULT_FREE)


@pytest.mark.requirement("DD-03")
def test_no_alert_goes_out_twice(trial: Trial) -> None:
    wanted = trial.cases([*(case.name for case in COURSES), CRASHES])
    with Grounds(trial) as grounds:
        courses = [case for case in COURSES if case.name in wanted]
        if courses:
            judgement = judge(trial, grounds, ["DD-03"], courses, in_real_time=["waited out"])
            decide(trial, judgement)
            trial.summary(sum_up(judgement, "no alert went out twice in a run without a fault"))
        if CRASHES in wanted or not courses:
            with trial.part("after a kill", "major") as note:
                note.summary = _after_kills(trial, grounds)


def _after_kills(trial: Trial, grounds: Grounds) -> str:
    """The summary of the part. Raises Violation or Undecided."""
    calibration = calibrate(grounds.field(real=False))
    points = calibration.points
    wanted = [
        *cases(calibration, points, "redelivery", redelivery),
        *cases(calibration, points, "restarted at once", restarted),
    ]
    judgement = judge(trial, grounds, ["DD-03"], wanted)
    decide(trial, judgement)
    return sum_up(judgement, f"at {len(points)} crash points at most one repeat, under the same id")
