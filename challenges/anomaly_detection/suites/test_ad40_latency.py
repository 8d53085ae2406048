"""AD-40: 100,000 logs a minute, one log a request, open loop: p99 and p99.9 from the intended start below 10 ms.

The candidate and a no-op of its language in turns, five rounds; where the no-op shows that the machine is too noisy, the round
does not count. The reference is measured once at the end, for scale.
"""

from __future__ import annotations

import pytest

from challenges.anomaly_detection.load import RATE, Bench, Stream
from harness.measure import contest
from harness.measure.contest import Sides, Stretch
from harness.runtime.trial import Trial

ROUNDS = 5
QUICK_S, FULL_S = 4.0, 12.0
GATED = ("p99", "p99.9")


@pytest.mark.requirement("AD-40")
def test_single_logs_at_the_asked_rate(trial: Trial) -> None:
    seconds = QUICK_S if trial.quick else FULL_S
    budget_ms = float(trial.cell.config["p99_budget_ms"])

    def half(stream: Stream) -> Stretch:
        return lambda _round: stream.stretch([(RATE, seconds)])

    with Bench(trial) as bench:
        sides = Sides(half(bench.candidate), half(bench.noop), {"reference": half(bench.reference)})
        rate = f"{RATE:,.0f} logs/s, one a request"
        held = contest.hold(trial, sides, ROUNDS, GATED, budget_ms, rate)
    contest.conclude(trial, held, "Latency at 100,000 logs a minute")
