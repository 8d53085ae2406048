"""DD-50: 200 offers a second to one processor, open loop, over a local store and without the proxy: p99 to the decision below 10 ms.

The processor and a no-op of its language in turns, five rounds; one bare round trip of the same kind of store beside them.
"""

from __future__ import annotations

import pytest

from challenges.alert_dedup.offering import RATE, Offering, offerings
from harness.measure import contest
from harness.measure.contest import Sides, Stretch
from harness.runtime.trial import Trial

ROUNDS = 5
QUICK_S, FULL_S = 4.0, 12.0
BUDGET_MS = 10.0


@pytest.mark.requirement("DD-50")
def test_decisions_at_the_asked_rate(trial: Trial) -> None:
    seconds = QUICK_S if trial.quick else FULL_S

    def half(offering: Offering) -> Stretch:
        return lambda _round: offering.stretch(seconds)

    with offerings(trial) as (mine, floor, bare):
        others: dict[str, Stretch] = {} if bare is None else {"bare round trip": lambda _round: bare(seconds)}
        store = trial.cell.program.store
        rate = f"{RATE:g} offers/s over {store if store != 'none' else 'no store'}"
        held = contest.hold(trial, Sides(half(mine), half(floor), others), ROUNDS, ("p99",), BUDGET_MS, rate)
    contest.conclude(trial, held, "Time to the decision at 200 offers a second")
