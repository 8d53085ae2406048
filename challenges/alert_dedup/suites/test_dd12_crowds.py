"""DD-12: 25 fingerprints at once on one processor that pipelines, and 200 offers of one fingerprint over four processors."""

from __future__ import annotations

import pytest

from challenges.alert_dedup.courses import FINGERPRINT
from challenges.alert_dedup.field import Field
from challenges.alert_dedup.judging import Case, Grounds, decide, judge, sum_up
from harness.runtime.trial import Trial

AT_ONCE = 25
OFFERS = 200
PROCESSORS = 4
OUTSTANDING = 8
PATIENCE_S = 30.0


def crowd_on_one(field: Field) -> None:
    """25 fingerprints at once on one processor; where it does not pipeline, one after the other."""
    field.wait(*(field.offer(field.names[0], f"{FINGERPRINT}/{number}") for number in range(AT_ONCE)))
    field.wait(field.offer(field.names[0], f"{FINGERPRINT}/0"))


def crowd_on_all(field: Field) -> None:
    """200 offers of one fingerprint, as fast as four processors take them: each has eight at a time, where it pipelines.

    All fifty at once would ask how long its pool lets an offer wait, and so how fast this machine is.
    """
    names = field.names
    field.most_outstanding = OUTSTANDING
    field.wait(*(field.offer(names[number % len(names)], FINGERPRINT) for number in range(OFFERS)), timeout_s=PATIENCE_S)


CASES = (Case("25 fingerprints at once", crowd_on_one), Case("200 offers of one fingerprint", crowd_on_all))


@pytest.mark.requirement("DD-12")
def test_crowds_lose_nothing(trial: Trial) -> None:
    with Grounds(trial, PROCESSORS) as grounds:
        judgement = judge(trial, grounds, ["DD-10"], CASES, in_real_time=[case.name for case in CASES])
        pipelining = all(
            "pipelining" in node.live.process.capabilities for node in grounds.field(real=True).cluster.nodes.values()
        )
    decide(trial, judgement)
    how = "at once" if pipelining else "one after the other, since it does not pipeline"
    trial.summary(sum_up(judgement, f"{AT_ONCE} fingerprints {how} and {OFFERS} offers of one, none lost, no error"))
