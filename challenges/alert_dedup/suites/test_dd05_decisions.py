"""DD-05: the reply's decision agrees with what was emitted for that event, by whichever processor."""

from __future__ import annotations

import pytest

from challenges.alert_dedup.courses import FAULT_FREE, FINGERPRINT, redelivered
from challenges.alert_dedup.field import Field
from challenges.alert_dedup.judging import Case, Grounds, decide, judge, sum_up
from harness.runtime.trial import Trial


def told_again(field: Field) -> None:
    """The event that was paged and one that was not, both delivered again to every processor."""
    first, second = field.offer(field.names[0], FINGERPRINT), field.offer(field.names[1], FINGERPRINT)
    field.wait(first, second)
    redelivered(field, first, (300.0, 600.0, 900.0))
    redelivered(field, second, (1200.0, 1500.0, 1800.0))


def rising(field: Field) -> None:
    """Each offer more severe than the one before: an update is a right answer then, an emission for it is not."""
    for severity in ("low", "medium", "high", "critical"):
        field.wait(*(field.offer(name, FINGERPRINT, severity=severity) for name in field.names))
        field.pass_ms(300)


CASES = (Case("delivered again", told_again), Case("rising severity", rising), *FAULT_FREE)


@pytest.mark.requirement("DD-05")
def test_decisions_agree_with_pages(trial: Trial) -> None:
    with Grounds(trial) as grounds:
        judgement = judge(trial, grounds, ["DD-05"], CASES)
    decide(trial, judgement)
    trial.summary(sum_up(judgement, "every decision agreed with the pages"))
