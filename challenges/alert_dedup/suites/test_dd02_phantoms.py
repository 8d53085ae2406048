"""DD-02: every emission names an event that was offered with that fingerprint, and none is for a refused one."""

from __future__ import annotations

import pytest

from challenges.alert_dedup.courses import FAULT_FREE, FINGERPRINT
from challenges.alert_dedup.field import Field
from challenges.alert_dedup.judging import Case, Grounds, decide, judge, sum_up
from challenges.alert_dedup.malformed import MALFORMED
from harness.runtime.trial import Trial


def refused_between(field: Field) -> None:
    """Every malformed offer, each between two good ones of other fingerprints; then ticks for two leases."""
    for number, bad in enumerate(MALFORMED):
        name = field.names[number % len(field.names)]
        event_id = f"bad{number}"
        good = field.offer(name, f"{FINGERPRINT}/{number}")
        refused = field.offer(name, bad.fingerprint, event_id=event_id, params=bad.params(event_id))
        field.wait(good, refused)
    field.wait(field.offer(field.names[0], f"{FINGERPRINT}/0"))
    field.pass_ms(4000)


CASES = (Case("refused between good ones", refused_between), *FAULT_FREE)


@pytest.mark.requirement("DD-02")
def test_no_page_is_made_up(trial: Trial) -> None:
    with Grounds(trial) as grounds:
        judgement = judge(trial, grounds, ["DD-02"], CASES, in_real_time=["refused between good ones"])
    decide(trial, judgement)
    trial.summary(sum_up(judgement, "every page named an event that was offered"))
