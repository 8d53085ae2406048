"""AD-42: the highest rate at which p99 and p99.9 stay below 10 ms, and logs a second flat out; graded, against no-op and reference.

Rates double from the asked one until one does not hold, and the last gap is halved once. Each is sent for 2 s. Credit is the
candidate's highest rate as a share of the reference's, at most 1.
"""

from __future__ import annotations

from collections.abc import Callable
from dataclasses import dataclass

import numpy as np
import pytest

from challenges.anomaly_detection.load import RATE, Bench, Stream, flat_out
from harness.measure import contest, figures
from harness.measure.statistics import quantile
from harness.runtime.trial import Trial, Undecided

SECONDS = 2.0
DOUBLINGS = 4
FLAT_OUT_S = 1.0
BATCH = 100


@dataclass(frozen=True, slots=True)
class Rates:
    """Logs a second: the highest rate that holds, and flat out in batches."""

    who: str
    holds: float
    flat_out: float

    def plain(self) -> dict[str, str | int]:
        """As a row of a table."""
        return {"who": self.who, "logs/s that hold": round(self.holds), "logs/s flat out": round(self.flat_out)}


def measured(who: str, stream: Stream, budget_ms: float) -> Rates:
    """Both rates of one of them."""
    held = highest(lambda rate: holds(stream, rate, budget_ms), RATE, DOUBLINGS)
    return Rates(who, held, flat_out(stream.process, stream.now_ms, FLAT_OUT_S, BATCH))


def holds(stream: Stream, rate: float, budget_ms: float) -> bool:
    """Whether p99 and p99.9 of a stretch at that rate lie below the budget, in one of two tries."""
    return any(quantile(stream.stretch([(rate, SECONDS)]).latency_ms, 0.999) < budget_ms for _ in range(2))


def highest(keeps: Callable[[float], bool], first: float, doublings: int) -> float:
    """The highest rate found to hold: doubled from `first` while it holds, then half of the gap; 0 if the first does not."""
    rate, found = first, 0.0
    for _ in range(doublings + 1):
        if not keeps(rate):
            between = (found + rate) / 2
            return between if found and keeps(between) else found
        found, rate = rate, 2 * rate
    return found


@pytest.mark.requirement("AD-42")
def test_highest_rate(trial: Trial) -> None:
    budget_ms = float(trial.cell.config["p99_budget_ms"])
    with Bench(trial) as bench, contest.quiet_here():
        sides = {"candidate": bench.candidate, "no-op": bench.noop, "reference": bench.reference}
        rows = [measured(name, stream, budget_ms) for name, stream in sides.items()]
    mine, floor, peer = rows
    trial.evidence(
        {
            "kind": "latency",
            "title": "Highest rate",
            "figures": {
                "rates": [row.plain() for row in rows],
                "highest tried, logs/s": round(RATE * 2**DOUBLINGS),
                "logs a batch, flat out": BATCH,
            },
            "curves": [],
            "over_time": {},
        }
    )
    if not floor.holds or not peer.holds:
        raise Undecided("the machine is too noisy: not even the no-op or the reference holds the rate that is asked for")
    figures.keep_arrays(trial, "rates", {row.who: np.array([row.holds, row.flat_out]) for row in rows})
    trial.credit(min(mine.holds / peer.holds, 1.0))
    trial.summary(
        f"holds {mine.holds:,.0f} logs/s ({mine.holds / peer.holds:.2f} x the reference, {mine.holds / floor.holds:.2f} x the no-op); "
        f"flat out {mine.flat_out:,.0f} logs/s ({mine.flat_out / peer.flat_out:.2f} x, {mine.flat_out / floor.flat_out:.2f} x)"
    )
