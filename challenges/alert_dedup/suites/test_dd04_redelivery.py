"""DD-04: an event that is delivered again, within retention, never yields a second alert_id."""

from __future__ import annotations

import pytest

from challenges.alert_dedup.courses import FINGERPRINT, redelivered
from challenges.alert_dedup.field import HARNESS, Field
from challenges.alert_dedup.history import Obs
from challenges.alert_dedup.interleave import ONE_EVENT
from challenges.alert_dedup.judging import Case, Grounds, Judgement, decide, judge, sum_up
from challenges.alert_dedup.pouring import firsts, pour
from challenges.alert_dedup.searching import search
from challenges.alert_dedup.view import MS
from harness.runtime.trial import Trial, Undecided

SOON_MS = (100.0, 1000.0, 4000.0, 5600.0, 7500.0)
LATE_MS = (11_000.0, 20_000.0, 35_000.0, 58_000.0)
QUICK_CROWD, FULL_CROWD = 2_400, 12_000
CROWD_MS = 15_000.0  # no more of it is begun after that, however slow
PATIENCE_S = 120.0
CROWD = "a crowd"
AT_ONCE = 150


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


def paged_then_a_crowd(field: Field, others: int) -> None:
    """The event that was paged, again past its window, after many events of other fingerprints: age alone may make it forgotten."""
    first = field.offer(field.names[0], FINGERPRINT)
    field.wait(first)
    offered, until_ms = 0, field.now_ms + CROWD_MS
    while offered < others and field.now_ms < until_ms:
        crowd = firsts(f"{FINGERPRINT}/{offered + number}" for number in range(AT_ONCE))
        offered += pour(field, field.names, crowd, PATIENCE_S).offered
    field.note(HARNESS, CROWD, offered=offered)
    redelivered(field, first, (5800.0, 6500.0, 7200.0))


CASES = (
    Case("paged, then again", paged_then_again),
    Case("paged, then again to the same", paged_then_same),
    Case("paged, then late", paged_then_late),
    Case("suppressed, then again", suppressed_then_again),
)


def crowd_of(others: int) -> Case:
    """The case of `paged_then_a_crowd`."""
    return Case("paged, then again after a crowd", lambda field: paged_then_a_crowd(field, others))


def _ask_retention(grounds: Grounds) -> None:
    """Raises Undecided where no redelivery falls within retention and past the window: nothing could go wrong then."""
    grounds.field(real=False).begin()
    rules = grounds.field(real=False).rules
    if rules.retention_ns < rules.window_ns + rules.skew_ns:
        raise Undecided(
            f"it declares retention_ms {rules.retention_ns // MS}: no event that comes again past its window is within that"
        )


@pytest.mark.requirement("DD-04")
def test_redelivery_yields_no_second_alert(trial: Trial) -> None:
    cases = [*CASES, crowd_of(QUICK_CROWD if trial.quick else FULL_CROWD)]
    wanted = trial.cases([*(case.name for case in cases), ONE_EVENT.name])
    judgement = Judgement(("DD-04",))
    schedules = 0
    with Grounds(trial) as grounds:
        courses = [case for case in cases if case.name in wanted]
        if courses:
            _ask_retention(grounds)
            judgement = judge(trial, grounds, ["DD-04"], courses, in_real_time=["paged, then again"])
            decide(trial, judgement)
        if ONE_EVENT.name in wanted:
            schedules = search(trial, grounds, "DD-04", ONE_EVENT).runs
    words = f"no event yielded a second alert_id, nor in {schedules} schedules of two deliveries at once{_crowded(judgement)}"
    trial.summary(sum_up(judgement, words))


def _crowded(judgement: Judgement) -> str:
    """A clause that says how many events came between, where that was asked."""
    entries = (entry for run in judgement.played for entry in run.entries if isinstance(entry, Obs) and entry.what == CROWD)
    return "".join(f", nor after {entry.data['offered']} events of others" for entry in entries)
