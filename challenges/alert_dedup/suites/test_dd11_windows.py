"""DD-11: past the end of its window a fingerprint is paged again; suppressed events do not make the window longer.

Run without a word that the condition is over, and with `resolve` after each window: two parts, shown apart.
"""

from __future__ import annotations

import pytest

from challenges.alert_dedup.checker import lateness
from challenges.alert_dedup.courses import FINGERPRINT, at_moments, redelivered
from challenges.alert_dedup.field import Field
from challenges.alert_dedup.judging import Case, Grounds, Judgement, Played, decide, judge, play, show, sum_up, violation
from challenges.alert_dedup.view import MS, View
from harness.runtime.trial import Trial, Violation

STEADY = "steady for a minute"
STEADY_S = 60
PER_S = 10
FEWEST, MOST = 11, 13
# The fifth comes more than W + 3 s after the first: who has not paged again by then is too late.
AGAIN_MS = (0.0, 2000.0, 5300.0, 7000.0, 8200.0, 10_600.0, 13_000.0)
# A window that begins anew with the second lies over all that follow.
WORSE_MS = (0.0, 4500.0, 5300.0, 8200.0)
WORSE = ("low", "high", "high", "critical")


def steady(field: Field) -> None:
    """10 offers a second for a minute."""
    at_moments(field, [1000.0 * number / PER_S for number in range(STEADY_S * PER_S)])


def once_a_window(field: Field) -> None:
    """An offer that opens a window, one inside it, and again just past its end."""
    at_moments(field, AGAIN_MS)


def worse_and_worse(field: Field) -> None:
    """What gets worse late in its window is still the same window: 3.2 s past its end a page is due at the latest."""
    at_moments(field, WORSE_MS, WORSE)


def delivered_again(field: Field) -> None:
    """The event that was paged comes once more late in its window, which does not begin anew with it."""
    redelivered(field, at_moments(field, WORSE_MS[:1])[0], WORSE_MS[1:2])
    at_moments(field, WORSE_MS[2:])


def long_pause(field: Field) -> None:
    """Two offers half a minute apart: nothing of the first may linger."""
    at_moments(field, (0.0, 1000.0, 30_000.0))


def resolved(field: Field) -> None:
    """As `once_a_window`, with the end of the condition told before the window is over."""
    for at_ms in AGAIN_MS:
        field.pass_until_ms(at_ms)
        field.wait(field.offer(field.names[0], FINGERPRINT))
        field.pass_ms(300)
        if at_ms in (2000.0, 7000.0):
            field.resolve(field.names[1], FINGERPRINT)


WITHOUT = (
    Case("once a window", once_a_window),
    Case(STEADY, steady),
    Case("a long pause", long_pause),
    Case("worse late in the window", worse_and_worse),
    Case("delivered again late in the window", delivered_again),
)
WITH = (Case("resolved between", resolved),)


@pytest.mark.requirement("DD-11")
def test_window_ends(trial: Trial) -> None:
    with Grounds(trial) as grounds:
        if names := trial.cases([case.name for case in (*WITHOUT, *WITH)]):
            without = [case for case in WITHOUT if case.name in names]
            with_resolve = [case for case in WITH if case.name in names]
            if without:
                with trial.part("without resolve", "critical") as note:
                    note.summary, note.credit = _window(trial, grounds, without)
            if with_resolve:
                with trial.part("with resolve between", "critical") as note:
                    note.summary, note.credit = _window(trial, grounds, with_resolve)
    trial.summary("the windows end in time")
    trial.credit(sum(part.credit for part in trial.parts) / max(1, len(trial.parts)))  # nothing is asked beside the parts


def _window(trial: Trial, grounds: Grounds, cases: list[Case]) -> tuple[str, float]:
    """The summary and the credit of a part. Raises Violation or Undecided."""
    real = [case.name for case in cases if case.name in ("once a window", "resolved between")]
    judgement = judge(trial, grounds, ["DD-11"], cases, in_real_time=real)
    decide(trial, judgement)
    for case in cases:
        if case.name == STEADY and _wrong_count(judgement, STEADY):
            if not judgement.run_of(STEADY).real:
                judgement.confirm(judgement.run_of(STEADY), play(grounds.field(real=True), case))
            if _wrong_count(judgement, STEADY):
                _charge_count(trial, judgement, judgement.run_of(STEADY))
    # What is late in virtual time alone is a timer's that did not jump: where a case was played in real time, that run counts.
    late = {run.case for run in judgement.deciding if not run.real and lateness(View(run.entries, run.rules))[0] > 0}
    for case in cases:
        if case.name in late:
            judgement.confirm(judgement.run_of(case.name), play(grounds.field(real=True), case))
    decide(trial, judgement)
    worst_ns, credit = max((lateness(View(run.entries, run.rules)) for run in judgement.deciding), default=(0, 1.0))
    return sum_up(judgement, f"paged again at most {worst_ns / MS:.0f} ms after the end of a window"), credit


def _wrong_count(judgement: Judgement, name: str) -> bool:
    """Whether the run of that case which decides has too few or too many pages."""
    run = judgement.run_of(name)
    return not FEWEST <= len(View(run.entries, run.rules).groups) <= MOST


def _charge_count(trial: Trial, judgement: Judgement, run: Played) -> None:
    pages = len(View(run.entries, run.rules).groups)
    finding = next(iter(run.of("DD-01")), None)
    if finding is not None:
        judgement.charged.append((run, finding))
        raise violation(trial, judgement, pages=pages)
    show(trial, run, None)
    text = f"{PER_S} offers a second for {STEADY_S} s gave {pages} pages; with a window of 5 s it is {FEWEST} to {MOST}"
    raise Violation(text, witness={"cases": [run.case], "pages": pages})
