"""DD-42: with every reply of the store late, four processors are at least twice as fast as one, one request outstanding at each."""

from __future__ import annotations

from collections.abc import Sequence

import numpy as np
import pytest

from challenges.alert_dedup.judging import Grounds
from challenges.alert_dedup.sidebyside import CONTROL, WANTED, Measured, Ratio, measure, ratio, vacuous
from harness.runtime.trial import Trial, Undecided, Violation

PROCESSORS = 4
DELAY_MS = 5.0
# Where five milliseconds do not show it, the time that this machine computes may be what four share: less so with this delay.
LONG_DELAY_MS = 20.0
QUICK = (8, 40)  # rounds, fingerprints in each
FULL = (20, 100)
LONG = (6, 20)


@pytest.mark.requirement("DD-42")
def test_processors_work_side_by_side(trial: Trial) -> None:
    with Grounds(trial, PROCESSORS) as grounds:
        ground = grounds.field(real=True)
        runs = [measure(ground, DELAY_MS, *(QUICK if trial.quick else FULL))]
        rng = trial.rng("bootstrap")
        if ratio(runs[0].candidate, rng).low < WANTED:
            runs.append(measure(ground, LONG_DELAY_MS, *LONG))
    trial.evidence(_table(runs, rng))
    _decide(trial, runs[-1], ratio(runs[-1].candidate, rng), ratio(runs[-1].control, rng))


def _decide(trial: Trial, run: Measured, reached: Ratio, control: Ratio) -> None:
    if why := vacuous(run):
        raise Undecided(f"nothing was shown: {why}")
    trial.figure("ratio", reached.value)
    trial.figure("control_ratio", control.value)
    what = f"replies {run.delay_ms:g} ms late, {run.offered // 2} fingerprints each: four processors were {reached.words} as fast as one"
    beside = f"bare requests through the same proxies {control.value:.2f} x"
    if reached.low >= WANTED:
        trial.summary(f"{what}; {beside}; {run.trips:.1f} round trips a fingerprint")
        return
    if control.low < CONTROL:
        raise Undecided(f"{what}; but {beside}, so this machine is too busy to tell")
    if reached.high >= WANTED:
        raise Undecided(f"{what}, which may or may not be {WANTED:g} x")
    raise Violation(f"{what}; {beside}", witness={"cases": ["four against one"], "ratio": reached.value, "trips": run.trips})


def _table(runs: Sequence[Measured], rng: np.random.Generator) -> dict[str, object]:
    rows = []
    for run in runs:
        for name, arm in (("the candidate", run.candidate), ("bare requests", run.control)):
            one, four = sum(arm.one), sum(arm.four)
            rows.append([f"{run.delay_ms:g} ms", name, f"{one:.2f} s", f"{four:.2f} s", ratio(arm, rng).words])
    columns = ["replies late by", "who", "one", "four", "ratio, 95 % interval"]
    return {"kind": "table", "title": "Four side by side against one", "columns": columns, "rows": rows}
