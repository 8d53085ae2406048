"""DD-30: whatever the clocks of processors and store do within 3 s of each other, DD-01, DD-03, DD-10 and DD-11 hold.

Each scenario is played in virtual time, and the one whose clocks jump in real time too. A scenario in which no emit or no suppression
was seen shows nothing. What breaks is played with clocks that agree too: what breaks there as well is not the clocks' doing, and only what else breaks is charged.
"""

from __future__ import annotations

from collections.abc import Sequence
from typing import NoReturn

import pytest

from challenges.alert_dedup.checker import Finding, lateness
from challenges.alert_dedup.clocks import OFFSET, case_of, cases
from challenges.alert_dedup.judging import Case, Grounds, Judgement, Played, decide, judge, play, sum_up, violation
from challenges.alert_dedup.skews import JUMP, SCENARIOS
from challenges.alert_dedup.view import MS, View
from harness.runtime.trial import Trial, Undecided, Violation

REQUIREMENTS = ("DD-01", "DD-03", "DD-10", "DD-11")
SCENARIO_OF = {scenario.name: scenario for scenario in SCENARIOS}
NO_CLOCK = "that the store's clock is off is left out, since it has none of its own"
COLUMNS = ["clocks", "proof: each own clock, off by (asked for)", "offers", "pages", "latest page after a window's end"]


@pytest.mark.requirement("DD-30")
def test_clocks_that_disagree(trial: Trial) -> None:
    with Grounds(trial) as grounds:
        wanted = _wanted(grounds)
        judgement = judge(trial, grounds, REQUIREMENTS, wanted, in_real_time=[JUMP.name])
        if judgement.charged:
            _charge(trial, grounds, judgement)
    _show(trial, judgement)
    decide(trial, judgement)
    _ask_each(judgement)
    worst_ns = max(lateness(View(run.entries, run.rules))[0] for run in judgement.deciding)
    late = f"a page came at most {worst_ns / MS:.0f} ms after the end of a window"
    left_out = f"; {NO_CLOCK}" if len(wanted) < len(SCENARIOS) else ""
    trial.summary(
        sum_up(judgement, f"{len(judgement.deciding)} ways in which clocks disagree broke nothing, {late}") + left_out
    )


def _wanted(grounds: Grounds) -> list[Case]:
    """The cases; a store without a clock of its own is not moved."""
    store = grounds.field(real=False).cluster.store
    own_clock = store is not None and store.clock is not None
    return cases([scenario for scenario in SCENARIOS if own_clock or not scenario.store_ms])


def _charge(trial: Trial, grounds: Grounds, judgement: Judgement) -> NoReturn:
    """Raises Violation for a rule that holds with clocks that agree, Undecided where none of those breaks."""
    case = next(case for case in _wanted(grounds) if case.name == judgement.charged[0][0].case)
    control = play(grounds.field(real=False), case_of(SCENARIO_OF[case.name], right=True))
    usual = {finding.requirement for finding in control.of(*REQUIREMENTS)}
    held = [requirement for requirement in REQUIREMENTS if requirement not in usual]
    if usual and held and not _of(judgement, held):
        judgement = judge(trial, grounds, held, _wanted(grounds), in_real_time=[JUMP.name])
    _show(trial, judgement)
    broken = ", ".join(sorted(usual))
    judgement.charged = _of(judgement, held)
    if not judgement.charged:
        runs = len(judgement.deciding)
        beside = f"; {', '.join(held)} held in {runs} run{'s' * (runs != 1)} with clocks that do not" if held else ""
        raise Undecided(
            f"with clocks that agree it breaks {broken} in the same course, so that no clock can be charged{beside}"
        )
    error = violation(trial, judgement)
    said = f"; with clocks that agree it breaks {broken}, and not this" if usual else "; with clocks that agree it does not"
    raise Violation(f"{error}{said}", credit=error.credit, witness=error.witness | {"broken_with_clocks_that_agree": broken})


def _of(judgement: Judgement, requirements: Sequence[str]) -> list[tuple[Played, Finding]]:
    """What is charged of these."""
    return [found for found in judgement.charged if found[1].requirement in requirements]


def _ask_each(judgement: Judgement) -> None:
    """Raises Undecided for a scenario that shows nothing."""
    for run in judgement.played:
        if not {"emit"} < run.decisions:
            seen = ", ".join(sorted(run.decisions)) or "neither"
            raise Undecided(f"in {run.case!r} nothing was shown: of an emit and a suppression, only {seen} was seen")


def _show(trial: Trial, judgement: Judgement) -> None:
    rows = [_row(run) for run in judgement.played]
    trial.evidence({"kind": "table", "title": "How the clocks were off, and what came of it", "columns": COLUMNS, "rows": rows})


def _row(run: Played) -> list[object]:
    view = View(run.entries, run.rules)
    proofs = [
        f"{fault.proc} {fault.evidence.get('differs_ms', 'now_ms')} ({fault.evidence['skew_ms']:+.0f} ms)"
        for fault in run.faults
        if fault.fault == OFFSET
    ]
    offers = sum(len(event.attempts) for event in view.events.values())
    name = f"{run.case}, in {'real' if run.real else 'virtual'} time"
    return [name, "; ".join(proofs), offers, len(view.groups), f"{lateness(view)[0] / MS:.0f} ms"]
