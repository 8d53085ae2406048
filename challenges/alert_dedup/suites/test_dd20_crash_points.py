"""DD-20: the owner is killed at every crash point of its offer and is gone for ever; what becomes of the alert, as a level.

Four separate runs at each point: nobody offers anything; a new event at once; a redelivery; a new event after the window.
"""

from __future__ import annotations

from collections.abc import Sequence

import pytest

from challenges.alert_dedup.checker import AFTER_WINDOW, NEW_EVENT
from challenges.alert_dedup.crashes import Calibration, CrashPoint, calibrate, log_rows
from challenges.alert_dedup.fates import Fate, fate_at
from challenges.alert_dedup.field import Field
from challenges.alert_dedup.judging import Grounds, save_history, show
from harness.runtime.trial import Trial, Undecided, Violation

LOST_WITHIN_WINDOW = 2
WORDS = {
    0: "never paged",
    1: "paged when offered after the window",
    2: "paged on an offer or a redelivery",
    3: "paged by itself",
}


@pytest.mark.requirement("DD-20")
def test_alert_survives_its_owner(trial: Trial) -> None:
    with Grounds(trial) as grounds:
        ground = grounds.field(real=False)
        calibration = calibrate(ground)
        trial.evidence(_log(calibration))
        points = trial.cases(calibration.points, key=lambda where: where.name)
        fates = _sweep(trial, ground, calibration, points)
        _in_real_time(trial, grounds, calibration, fates)
    _decide(trial, fates)


def _sweep(trial: Trial, field: Field, calibration: Calibration, points: Sequence[CrashPoint]) -> list[Fate]:
    fates: list[Fate] = []
    for where in points:
        if trial.over_budget():
            raise Undecided(f"its time was over after {len(fates)} of {len(points)} crash points")
        fates.append(fate_at(field, calibration, where))
    return fates


def _in_real_time(trial: Trial, grounds: Grounds, calibration: Calibration, fates: list[Fate]) -> None:
    """The worst point again in real time, or the last one where all is well; where the two differ, every point below 3 again."""
    if grounds.field(real=False).real:
        return
    worst = min(fates, key=lambda fate: (fate.number, not fate.stored, -fate.where.k))
    again = fate_at(grounds.field(real=True), calibration, worst.where)
    differs = again.number != worst.number
    for index, fate in enumerate(fates):
        if fate is worst:
            fates[index] = again
        elif differs and fate.number < max(WORDS):
            if trial.over_budget():
                raise Undecided(
                    "virtual and real time differ, and the time was over before every point below the highest level was tried again"
                )
            fates[index] = fate_at(grounds.field(real=True), calibration, fate.where)


def _decide(trial: Trial, fates: Sequence[Fate]) -> None:
    trial.evidence(_table(fates))
    worst = min(fates, key=lambda fate: fate.number)
    lost = [fate.where.name for fate in fates if fate.number < LOST_WITHIN_WINDOW]
    trial.figure("crash_points", len(fates))
    trial.figure("losing_points", len(lost))
    words = f"{len(fates)} crash points; the worst level is {worst.number} ({WORDS[worst.number]}), at {worst.where.name}"
    if worst.number == 0:
        run = worst.runs[AFTER_WINDOW]
        show(trial, run, None)
        raise Violation(
            f"{words}: {worst.where.text[:120]}",
            witness={
                "cases": [worst.where.name],
                "levels": {fate.where.name: fate.number for fate in fates},
                "history": save_history(trial, run),
            },
        )
    if not {"emit"} < set().union(*(run.decisions for fate in fates for run in fate.runs.values())):
        raise Undecided("nothing was shown: an emit and a suppression were not both seen after the crashes")
    if lost:
        show(trial, worst.runs[NEW_EVENT], None)
    trial.credit(worst.level.credit)
    trial.summary(f"{words}; {len(lost)} lose the alert for the rest of its window")


def _log(calibration: Calibration) -> dict[str, object]:
    return {"kind": "table", "title": "Round trips of one offer", "columns": ["k", "round trip"], "rows": log_rows(calibration)}


def _table(fates: Sequence[Fate]) -> dict[str, object]:
    rows = [
        [
            fate.where.name,
            fate.where.text[:80],
            "yes" if fate.stored else "no",
            fate.level.level,
            fate.level.why,
            "real" if next(iter(fate.runs.values())).real else "virtual",
        ]
        for fate in fates
    ]
    columns = ["killed", "round trip", "anything in the store", "level", "seen", "time"]
    return {"kind": "table", "title": "What became of the alert at each crash point", "columns": columns, "rows": rows}
