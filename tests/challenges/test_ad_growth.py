"""Streams of which only the memory is watched, and the pure parts of the latency suites."""

from __future__ import annotations

import json

import numpy as np
import pytest

from challenges.anomaly_detection.growth import BATCH_LOGS, Growth, batches, beyond
from challenges.anomaly_detection.suites.test_ad41_burst import Try, pieces, recovered
from challenges.anomaly_detection.suites.test_ad42_rate import highest
from harness.measure.beside import runs_under_node
from harness.measure.plan import stretches
from harness.measure.sample import Sample
from harness.measure.statistics import Decision, Interval

LOGS = np.arange(1, 201, dtype=np.int64) * 2500


def grown(per_log: float, until: int = 10**9) -> Interval:
    rss = 20 * 2**20 + per_log * np.minimum(LOGS, until)
    return Growth(LOGS, rss.astype(np.int64) // 4096 * 4096).per_log()


def test_a_leak_is_a_slope_and_a_bounded_cache_is_none() -> None:
    leak, cache = grown(200.0), grown(1024.0, until=51_200)
    assert 199 < leak.low <= leak.high < 201
    assert (cache.value, cache.low, cache.high) == (0.0, 0.0, 0.0)
    assert leak.against(2.0) is Decision.FAIL and cache.against(2.0) is Decision.PASS


def test_the_no_op_s_growth_is_taken_off_and_its_shrinking_is_not_added() -> None:
    assert beyond(Interval(5, 4, 6), Interval(3, 2, 4)) == Interval(2, 1, 3)
    assert beyond(Interval(5, 4, 6), Interval(-3, -4, -2)) == Interval(5, 4, 6)


def test_batches_are_logs_in_order_whose_messages_all_differ() -> None:
    told = list(batches(1000, np.random.default_rng(1)))
    assert told == list(batches(1000, np.random.default_rng(1)))
    logs = [log for now_ms, inside in told for log in json.loads(b"[" + inside + b"]")]
    assert len(told) == 1000 // BATCH_LOGS and len({log["message"] for log in logs}) == 1000
    assert [now for now, _ in told] == sorted(now for now, _ in told)
    assert {log["level"] for log in logs} == {"info", "error"}


def after_bursts(slow_from_s: float, slow_until_s: float) -> tuple[Interval, Interval]:
    due_ns = stretches(pieces(6.0), np.random.default_rng(2))
    slow = (due_ns >= slow_from_s * 1e9) & (due_ns < slow_until_s * 1e9)
    replied = due_ns + np.where(slow, 50_000_000, 1_000_000)
    sample = Sample(due_ns, due_ns, replied, np.zeros(len(due_ns), np.uint8))
    return recovered(sample, 2.0), recovered(sample, 14.0)


def test_one_of_the_six_seconds_after_each_burst_must_be_good() -> None:
    assert [one.against(10.0) for one in after_bursts(1.0, 7.0)] == [Decision.PASS] * 2
    assert [one.against(10.0) for one in after_bursts(1.0, 8.0)] == [Decision.FAIL, Decision.PASS]
    assert [one.against(10.0) for one in after_bursts(14.0, 19.95)] == [Decision.PASS, Decision.FAIL]


@pytest.mark.parametrize(
    ("high", "dropped", "noise", "decision"),
    [
        (9, 0, "", Decision.PASS),
        (11, 0, "", Decision.INCONCLUSIVE),
        (9, 1, "", Decision.FAIL),
        (9, 1, "the no-op was slow", Decision.INCONCLUSIVE),
    ],
)
def test_a_try_is_judged_by_both_bursts_and_what_was_dropped(high: float, dropped: int, noise: str, decision: Decision) -> None:
    empty = Sample(*(np.zeros(1, np.int64),) * 3, np.zeros(1, np.uint8))
    tried = Try(empty, {"ten times": Interval(5, 4, 6), "twice": Interval(8, 7, high)}, {"unsent": dropped}, noise)
    assert tried.decision(10.0) is decision


def test_the_highest_rate_is_doubled_and_then_halved_once() -> None:
    assert highest(lambda rate: rate <= 999, 1000, 4) == 0
    assert highest(lambda rate: rate <= 1000, 1000, 4) == 1000
    assert highest(lambda rate: rate <= 3500, 1000, 4) == 3000
    assert highest(lambda rate: True, 1000, 4) == 16_000


def test_the_no_op_is_of_the_same_language() -> None:
    assert all(runs_under_node(word) for word in ("javascript", "TypeScript", "node", "Node.js"))
    assert not any(runs_under_node(word) for word in ("python", "rust", "", "java"))
