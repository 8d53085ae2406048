"""DD-41: a processor that is stopped while it handles one fingerprint holds up no other, and that one for lease + 2 s at most."""

from __future__ import annotations

import math
from collections.abc import Sequence

import pytest

from challenges.alert_dedup.crashes import Calibration, CrashPoint, calibrate
from challenges.alert_dedup.field import Field
from challenges.alert_dedup.judging import Grounds, save_history
from challenges.alert_dedup.stuck import Stop, case_name, disturbed, p99, problems, stop_at, survey, times_ms
from harness.runtime.proxy import Point
from harness.runtime.trial import Trial, Undecided, Violation

PROCESSORS = 4
QUICK_POINTS = 4


@pytest.mark.requirement("DD-41")
def test_a_stopped_processor_holds_up_nobody(trial: Trial) -> None:
    stops: list[Stop] = []
    with Grounds(trial, PROCESSORS) as grounds:
        ground = grounds.field(real=True)
        calibration = calibrate(ground)
        points = _points(trial, ground, calibration)
        for where in points:
            if trial.over_budget():
                raise Undecided(f"its time was over after {len(stops)} of {len(points)} points")
            stops.append(_judged(trial, ground, where, calibration, stops))
    trial.evidence(_table(stops))
    if not any(stop.holding.anything for stop in stops):
        raise Undecided("nothing was shown: wherever it was stopped, the store held nothing of the offer")
    trial.summary(_summary(stops, len(calibration.points)))


def _points(trial: Trial, ground: Field, calibration: Calibration) -> list[CrashPoint]:
    """All points; in the quick profile a sample of those at which the store holds something of the offer."""
    points = trial.cases(calibration.points, key=case_name)
    if not trial.quick or trial.replaying:
        return points
    after = [where for where in points if where.point is Point.AFTER]
    holding = survey(ground, calibration)
    held = [where for where in after if where.k in holding and holding[where.k].anything] or after
    if len(held) <= QUICK_POINTS:
        return held
    chosen = trial.rng("points").choice(len(held), QUICK_POINTS, replace=False)
    return [held[number] for number in sorted(chosen)]


def _judged(trial: Trial, ground: Field, where: CrashPoint, calibration: Calibration, before: Sequence[Stop]) -> Stop:
    """One point. What is wrong there counts if it is so a second time. Raises Violation or Undecided."""
    stop = stop_at(ground, where, calibration)
    first = problems(stop)
    if first:
        again = stop_at(ground, where, calibration)
        if noise := disturbed(stop) or disturbed(again):
            raise Undecided(f"{case_name(where)}: {first[0]}; but {noise}, so this shows nothing")
        if not problems(again):
            raise Undecided(f"{case_name(where)}: {first[0]} once, and not when it was played again")
        trial.evidence(_table([*before, stop, again]))
        raise _violation(trial, again, len(before))
    return stop


def _violation(trial: Trial, stop: Stop, right: int) -> Violation:
    found = problems(stop)
    return Violation(
        f"{'; '.join(found)} ({stop.name}: {stop.where.text[:80]}; the store then held {stop.holding.words})",
        credit=right / (right + 1),
        witness={"cases": [stop.name], "found": found, "history": save_history(trial, stop.run)},
    )


def _summary(stops: Sequence[Stop], of: int) -> str:
    worst_ms = max(p99(times_ms(stop.run.entries, stop.others)[0]) for stop in stops)
    offers = sum(len(stop.others) for stop in stops)
    return (
        f"stopped at {len(stops)} of {of} points, in real time: p99 of {offers} decisions on other fingerprints {worst_ms:.0f} ms, "
        "the stopped one's was decided and paged in time by the others"
    )


def _table(stops: Sequence[Stop]) -> dict[str, object]:
    rows = []
    for stop in stops:
        decisions, pages = times_ms(stop.run.entries, stop.others)
        rows.append(
            [stop.where.name, stop.where.text[:80], stop.holding.words, len(decisions), _ms(p99(decisions)), _ms(p99(pages))]
        )
    columns = ["stopped", "round trip", "in the store", "other offers", "decided in (p99)", "paged in (p99)"]
    return {"kind": "table", "title": "While one processor was stopped", "columns": columns, "rows": rows}


def _ms(value: float) -> str:
    return "never" if math.isinf(value) else f"{value:.0f} ms"
