"""DD-04: an event that is delivered again, within retention, never yields a second alert_id."""

from __future__ import annotations

import pytest

from challenges.alert_dedup.courses import FINGERPRINT, redelivered
from challenges.alert_dedup.field import Field
from challenges.alert_dedup.judging import Case, Grounds, decide, judge, sum_up
from challenges.alert_dedup.view import MS
from harness.runtime.trial import Trial

SOON_MS = (100.0, 1000.0, 4000.0, 5600.0, 7500.0)
LATE_MS = (11_000.0, 20_000.0, 35_000.0, 58_000.0)


def paged_then_again(field: Field) -> None:
    """The event that was paged, again within its window and past the end of it."""
    first = field.offer(field.names[0], FINGERPRINT)
    field.wait(first)
    field.wait(field.offer(field.names[1], FINGERPRINT))
    redelivered(field, first, SOON_MS)


def paged_then_late(field: Field) -> None:
    """The same for as long as the candidate says that it remembers."""
    first = field.offer(field.names[0], FINGERPRINT)
    field.wait(first)
    kept_ms = field.rules.retention_ns / MS
    redelivered(field, first, [at_ms for at_ms in LATE_MS if at_ms < kept_ms - 500])


def paged_then_same(field: Field) -> None:
    """To the very processor that paged it, past the window."""
    first = field.offer(field.names[0], FINGERPRINT)
    field.wait(first)
    for at_ms in SOON_MS:
        field.pass_until_ms(at_ms)
        field.wait(field.redeliver(first, first.proc))


def suppressed_then_again(field: Field) -> None:
    """An event that another one's page covers, again and again within that window."""
    field.wait(field.offer(field.names[0], FINGERPRINT))
    second = field.offer(field.names[1], FINGERPRINT)
    field.wait(second)
    redelivered(field, second, (100.0, 1000.0, 3000.0))


def at_once(field: Field) -> None:
    """All deliveries of one event under way together."""
    first = field.offer(field.names[0], FINGERPRINT)
    field.wait(first, *(field.redeliver(first, name) for name in field.names[1:] for _ in range(3)))


CASES = (
    Case("paged, then again", paged_then_again),
    Case("paged, then again to the same", paged_then_same),
    Case("paged, then late", paged_then_late),
    Case("suppressed, then again", suppressed_then_again),
    Case("all deliveries at once", at_once),
)


@pytest.mark.requirement("DD-04")
def test_redelivery_yields_no_second_alert(trial: Trial) -> None:
    with Grounds(trial) as grounds:
        judgement = judge(trial, grounds, ["DD-04"], CASES, in_real_time=["paged, then again"])
    decide(trial, judgement)
    trial.summary(sum_up(judgement, "no event yielded a second alert_id"))
