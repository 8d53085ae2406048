"""DD-24: the store is killed in mid-run and comes back with what it had, or answers late: nothing acknowledged is lost (DD-10), nothing
doubled (DD-01, DD-03, DD-04), and who was refused for certain was not paged for (DD-24)."""

from __future__ import annotations

import pytest

from challenges.alert_dedup.crashes import calibrate
from challenges.alert_dedup.failing import NO_RESTART, has_server, points_that_fail, shown_point
from challenges.alert_dedup.field import Field
from challenges.alert_dedup.judging import Grounds, Judgement, decide, decide_under_faults, judge, play, sum_up
from challenges.alert_dedup.outages import CONTROL, DOWN_S, late_case, late_rules, name_of, restarts
from harness.runtime.trial import Trial

NOT_ASKED = (
    "; whether an event is known after an outage was not asked: a redelivery has a second alert_id without one, too (DD-04)"
)


@pytest.mark.requirement("DD-24")
def test_a_store_that_restarts_or_is_slow(trial: Trial) -> None:
    with Grounds(trial, durable=True) as grounds:
        ground = grounds.field(real=False)
        calibration, server = calibrate(ground), has_server(ground)
        points = points_that_fail(ground, calibration.points)
        shown = name_of(shown_point(points).name, server=server)
        killed = restarts(calibration, points, server=server)
        slow = [late_case()]
        wanted = {case.name for case in trial.cases([*killed, *slow], key=lambda case: case.name)}
        killed, slow = ([case for case in cases if case.name in wanted] for cases in (killed, slow))
        remembered = remembers(ground)
        rules = ["DD-01", "DD-03", "DD-10", "DD-24", *(["DD-04"] if remembered else [])]
        restarted = judge(trial, grounds, rules, killed, in_real_time=[shown], every=True)
        decide(trial, restarted, both=False)
        rules = late_rules(calibration, ground.rules.lease_ns)
        # Late replies are late in real time, whichever time the waiting in between is in.
        slowed = judge(trial, grounds, rules, slow, every=True)
    for judgement in (restarted, slowed):
        if judgement.played:
            decide_under_faults(trial, judgement)
    runs = Judgement((), [*restarted.played, *slowed.played], passing=[*restarted.passing, *slowed.passing])
    trial.summary(_summary(runs, len(points), server=server) + ("" if remembered else NOT_ASKED))


def remembers(ground: Field) -> bool:
    """Whether a redelivery goes well without an outage: where it does not, that is DD-04's affair, and not charged to the store's."""
    return not play(ground, CONTROL).of("DD-04")


def _summary(runs: Judgement, points: int, *, server: bool) -> str:
    late = "and between two offers, and 500 ms late with each reply"
    if server:
        return sum_up(runs, f"the store killed and back at each of {points} crash points {late}")
    words = f"all operations failing for {DOWN_S:g} s from each of the {points} operations of an offer on {late}"
    return f"{sum_up(runs, words)}; {NO_RESTART}"
