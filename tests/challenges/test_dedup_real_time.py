"""`--time real`: the reference plays a short course on the host's own time as it does in virtual time."""

from __future__ import annotations

import time

import pytest

from challenges.alert_dedup.courses import FINGERPRINT, burst
from challenges.alert_dedup.field import Field
from challenges.alert_dedup.judging import Case, Grounds, Played, decide, judge
from challenges.alert_dedup.view import View
from harness.errors import Violation
from harness.runtime.trial import Trial
from tests.challenges.dedup_trials import REFERENCE, Maker, make

__all__ = ["make"]
CONFIG = {"window_ms": 2000, "max_skew_ms": 3000}
ASKED = ["DD-01", "DD-02", "DD-03", "DD-04", "DD-05", "DD-10", "DD-11"]
LENGTH_MS = 2300


def course(field: Field) -> None:
    """Two processors in one window, one event once more, another fingerprint, and the next window."""
    first = field.offer("p0", FINGERPRINT)
    field.wait(first)
    field.wait(field.offer("p1", FINGERPRINT), field.offer("p0", f"{FINGERPRINT}/2"))
    field.wait(field.redeliver(first, "p1"))
    field.pass_ms(LENGTH_MS)  # from now: the window began with the first offer, and how long all that took is not known
    field.wait(field.offer("p1", FINGERPRINT))


CASE = Case("a short course", course, settle_ms=300)


def told(run: Played) -> tuple[list[str], list[tuple[str, str]]]:
    """Every decision in the order of the offers, and every page."""
    view = View(run.entries, run.rules)
    decisions = [attempt.decision for event in view.events.values() for attempt in event.attempts]
    return decisions, sorted((group.event_id, group.fingerprint) for group in view.groups.values())


def played(trial: Trial) -> Played:
    """As a suite plays it: on the host's own time once, whether real time is asked for or not."""
    also_real = [CASE.name] if trial.cell.time == "real" else []
    with Grounds(trial, 2) as grounds:
        judgement = judge(trial, grounds, ASKED, [CASE], in_real_time=also_real)
    decide(trial, judgement)
    (run,) = judgement.played
    return run


@pytest.mark.parametrize("store", ["redis", "postgres"])
def test_the_reference_does_the_same_in_both_times(make: Maker, store: str) -> None:
    runs = {}
    for kind in ("virtual", "real"):
        began = time.monotonic()
        runs[kind] = played(make.trial(command=REFERENCE, store=store, time=kind, config=CONFIG))
        assert kind == "virtual" or time.monotonic() - began >= LENGTH_MS / 1000
    assert [run.real for run in runs.values()] == [False, True]
    decisions, pages = told(runs["real"])
    assert told(runs["virtual"]) == (decisions, pages)
    assert decisions == ["emit", "emit", "suppress", "emit", "emit"] and len(pages) == 3
    for run in runs.values():
        assert not run.findings and run.entries[-1].t_ns >= LENGTH_MS * 1_000_000


def test_what_is_broken_in_real_time_is_charged_at_once(make: Maker) -> None:
    trial = make.trial("def reserve(self, fingerprint, event): return True", time="real", config=CONFIG)
    with Grounds(trial, 2) as grounds:
        judgement = judge(trial, grounds, ["DD-01"], [Case("burst", burst, settle_ms=20)])
    with pytest.raises(Violation, match="was paged twice, .* in real time"):
        decide(trial, judgement)
    assert len(judgement.played) == 1
