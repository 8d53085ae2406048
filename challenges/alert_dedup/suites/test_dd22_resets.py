"""DD-22: the owner's connection is reset at every crash point: it connects again, pages once (DD-01, DD-03), loses nothing (DD-10).

Over SQLite an operation fails in its place.
"""

from __future__ import annotations

import pytest

from challenges.alert_dedup.crashes import calibrate
from challenges.alert_dedup.failing import NO_DROPPED_REPLY, has_server, points_that_fail, shown_point
from challenges.alert_dedup.judging import Grounds, decide_under_faults, judge, sum_up
from challenges.alert_dedup.resets import cases, name_of
from harness.runtime.trial import Trial


@pytest.mark.requirement("DD-22")
def test_a_broken_connection_is_made_again(trial: Trial) -> None:
    with Grounds(trial) as grounds:
        ground = grounds.field(real=False)
        calibration, server = calibrate(ground), has_server(ground)
        points = points_that_fail(ground, calibration.points)
        every = cases(calibration, points, server=server)
        shown = name_of(shown_point(points), server=server)
        judgement = judge(trial, grounds, ["DD-01", "DD-03", "DD-10"], every, in_real_time=[shown])
    decide_under_faults(trial, judgement)
    if server:
        trial.summary(sum_up(judgement, f"{len(points)} crash points, the connection reset at each"))
    else:
        trial.summary(
            f"{sum_up(judgement, f'each of the {len(points)} operations of an offer failed once')}; {NO_DROPPED_REPLY}"
        )
