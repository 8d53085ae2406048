"""The server that is computed, the sample that is seen, and the rounds that count."""

from __future__ import annotations

import math

import numpy as np
import pytest

from harness.measure import figures
from harness.measure.lindley import departures, latencies_ms
from harness.measure.plan import poisson, stretches
from harness.measure.rounds import Round, Rounds, alternate, noise_of
from harness.measure.sample import ANSWERED, REFUSED, UNANSWERED, UNSENT, Sample, joined
from harness.measure.statistics import Decision

MS = 1_000_000


def test_lindley_is_the_loop() -> None:
    rng = np.random.default_rng(1)
    due = poisson(800.0, 2.0, rng)
    service = rng.integers(0, 2 * MS, len(due))
    gone, free = [], 0
    for at, needs in zip(due.tolist(), service.tolist(), strict=True):
        free = max(at, free) + needs
        gone.append(free)
    assert departures(due, service).tolist() == gone


def test_half_loaded_exponential_server_has_the_closed_form() -> None:
    """M/M/1: the time in the system is exponential with rate mu - lambda."""
    rng = np.random.default_rng(2)
    due = poisson(500.0, 600.0, rng)
    service = np.rint(rng.exponential(1e6, len(due))).astype(np.int64)
    found = latencies_ms(due, service)
    for q in (0.5, 0.9, 0.99):
        assert abs(np.quantile(found, q) / (-math.log(1 - q) / 0.5) - 1) < 0.05


def test_a_plan_has_the_expected_number_in_each_stretch() -> None:
    due = stretches([(1000.0, 1.0), (10_000.0, 0.5), (1000.0, 1.0)], np.random.default_rng(4))
    assert len(due) == 7000
    assert [(due < edge).sum() for edge in (1e9, 1.5e9, 2.5e9)] == [1000, 6000, 7000]
    assert (np.diff(due) >= 0).all()
    with pytest.raises(ValueError, match="no request"):
        poisson(0.1, 1.0, np.random.default_rng(4))


def sample(due: list[int], sent: list[int], replied: list[int], fate: list[int], pipelined: bool = False) -> Sample:
    due_ns, sent_ns, replied_ns = (np.array(values, np.int64) * MS for values in (due, sent, replied))
    return Sample(due_ns, sent_ns, replied_ns, np.array(fate, np.uint8), pipelined)


def test_latency_counts_from_the_plan_and_the_sender_answers_for_itself_alone() -> None:
    seen = sample([0, 10, 20, 30], [1, 51, 71, 72], [51, 71, 72, 73], [ANSWERED] * 4)
    assert seen.latency_ms.tolist() == [51, 61, 52, 43]
    assert seen.from_send_ms.tolist() == [50, 20, 1, 1]
    # The second was sent the moment the first was answered: the candidate made it wait, not the sender.
    assert seen.sender_lag_ms.tolist() == [1, 0, 0, 0]
    assert sample([0, 10], [1, 51], [51, 71], [ANSWERED] * 2, pipelined=True).sender_lag_ms.tolist() == [1, 41]


def test_what_was_dropped_is_told_apart_and_never_fast() -> None:
    seen = sample([0, 1, 2, 3], [0, 1, 2, -1], [1, 2, -1, -1], [ANSWERED, REFUSED, UNANSWERED, UNSENT])
    assert seen.latency_ms.tolist() == [1, math.inf, math.inf, math.inf]
    assert seen.dropped() == {"refused": 1, "unanswered": 1, "unsent": 1}
    assert len(seen.after(1)) == 3
    assert joined([seen, seen])["round"].tolist() == [0] * 4 + [1] * 4


def steady(latency_ms: float, lag_ms: int = 0) -> Sample:
    due = np.arange(1000, dtype=np.int64) * MS
    sent = due + lag_ms * MS
    return Sample(due, sent, sent + round(latency_ms * MS), np.zeros(1000, np.uint8), pipelined=True)


def test_a_round_is_judged_by_its_no_op_alone() -> None:
    assert noise_of(steady(1)) == ""
    assert "no-op's p99.9" in noise_of(steady(6))
    assert "above 5 ms" in noise_of(steady(0.1, lag_ms=7))


def played(floors: list[float], wanted: int = 5) -> tuple[int, int, bool, bool]:
    order: list[str] = []

    def mine(number: int) -> Sample:
        order.append("A")
        return steady(900)

    def floor(number: int) -> Sample:
        order.append("B")
        return steady(floors[number])

    rounds = alternate(wanted, mine, floor, lambda: False)
    assert "".join(order) == "AB" * len(rounds.run)
    return len(rounds.run), rounds.invalid, rounds.enough, rounds.hopeless


def test_invalid_rounds_are_run_again_until_over_half_are() -> None:
    assert played([1] * 5) == (5, 0, True, False)
    assert played([1, 9, 1, 9, 1, 1, 1]) == (7, 2, True, False)
    assert played([9, 9, 1, 1, 1, 9, 1, 1]) == (8, 3, True, False)
    assert played([9, 9, 9, 1, 1]) == (5, 3, False, True)
    assert played([9] * 5) == (5, 5, False, True)
    assert alternate(5, lambda _: steady(1), lambda _: steady(1), lambda: True).enough is False


def test_figures_are_plain_json_and_say_what_was_dropped() -> None:
    seen = sample([0, 10, 20], [0, 10, -1], [5, 30, -1], [ANSWERED, ANSWERED, UNSENT])
    row = figures.row("candidate", [seen])
    assert (row["p50_ms"], row["p99_ms"], row["max_ms"]) == (20.0, None, None)
    assert (row["uncorrected p99_ms"], row["unsent"], row["requests"]) == (20.0, 1, 3)
    assert figures.ratios(row, row) == {"p50": 1.0, "p90": None, "p99": None, "p99.9": None}
    curve = figures.curve("candidate", seen.latency_ms)
    assert curve["ms"][-1] == 20.0 and max(curve["nines"]) <= 1


def test_the_decision_over_rounds_needs_every_gated_quantile() -> None:
    def run(mine: Sample, count: int = 5) -> Rounds:
        return Rounds(5, [Round(mine, steady(0.1))] * count)

    def decided(rounds: Rounds) -> Decision:
        return figures.judge(rounds, ("p99", "p99.9"), 10.0, np.random.default_rng(1)).decision

    due = np.arange(1000, dtype=np.int64) * MS
    tail = Sample(due, due, due + np.where(np.arange(1000) % 200 == 7, 50, 1) * MS, np.zeros(1000, np.uint8), pipelined=True)
    assert decided(run(steady(1))) is Decision.PASS
    assert decided(run(steady(11))) is Decision.FAIL
    assert decided(run(tail)) is Decision.FAIL  # its p99 is 1 ms
    assert decided(run(steady(11), count=4)) is Decision.INCONCLUSIVE
    assert decided(Rounds(5, [Round(steady(11), steady(9), "noise")] * 5)) is Decision.INCONCLUSIVE
