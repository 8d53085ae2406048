"""How a contest is told."""

from __future__ import annotations

import numpy as np

from harness.measure.contest import Contest, spoken, why_not
from harness.measure.figures import judge
from harness.measure.rounds import Round, Rounds
from harness.measure.sample import ANSWERED, REFUSED, Sample
from harness.measure.statistics import Decision

MS = 1_000_000
DUE = np.arange(1000, dtype=np.int64) * MS


def contest(refused: int, mine_ms: int = 1, floor_ms: float = 0.1) -> Contest:
    fate = np.where(np.arange(1000) < refused, REFUSED, ANSWERED).astype(np.uint8)
    mine = Sample(DUE, DUE, DUE + mine_ms * MS, fate, refusal="busy" if refused else "")
    floor = Sample(DUE, DUE, DUE + round(floor_ms * MS), np.zeros(1000, np.uint8))
    rounds = Rounds(2, [Round(mine, floor)] * 2)
    judged = judge(rounds, ("p99",), 10.0, np.random.default_rng(1))
    return Contest(rounds, {}, judged, {}, 10.0, "1,000 offers/s")


def test_quantiles_are_told_with_their_intervals() -> None:
    found = contest(0)
    assert found.judged.decision is Decision.PASS
    assert spoken(found) == "1,000 offers/s: p99 1 ms (1 ms to 1 ms)"


def test_where_no_answer_came_it_says_what_was_dropped_and_why() -> None:
    found = contest(500)
    assert found.judged.decision is Decision.FAIL
    told = "of 2,000 requests 1,000 refused, 0 unanswered, 0 unsent, the first with 'busy'"
    assert spoken(found) == f"1,000 offers/s: p99 never (never to never); {told}"


def test_what_lies_above_the_budget_by_the_machines_own_loss_is_undecided_and_says_so() -> None:
    found = contest(0, mine_ms=11, floor_ms=2.0)
    assert found.judged.decision is Decision.INCONCLUSIVE
    assert why_not(found) == "above the budget of 10 ms, but by no more than what the no-op lost in the same rounds"


def test_what_lies_above_by_more_fails() -> None:
    assert contest(0, mine_ms=11, floor_ms=0.5).judged.decision is Decision.FAIL
