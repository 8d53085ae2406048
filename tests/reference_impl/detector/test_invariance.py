"""Ways of handing over one stream that must not matter, and others that must not either."""

from collections.abc import Callable
from itertools import groupby

import numpy as np
import pytest
from detector_streams import T0_MS, Heard, Stream, drive, one, step, stream
from hypothesis import given, settings
from hypothesis import strategies as st

from reference_impl.detector import Alert, Detector, LogRow, SnapshotError, dump, load
from reference_impl.detector.columns import CHUNK_ROWS, observe_columns

WEEK_MS = 7 * 86_400_000

times = st.one_of(
    st.integers(T0_MS, T0_MS + 20_000),
    st.integers(T0_MS - 100_000, T0_MS + 100_000),
    st.sampled_from([0, 1, 2**53, 2**53 + 1, T0_MS + 3_600_000, T0_MS + 10 * 365 * 86_400_000]),
)
rows = st.lists(st.tuples(times, st.integers(0, 2), st.booleans()), max_size=60)


def loud(seed: int = 0) -> list[tuple[int, int, bool]]:
    """(ts_ms, service id, error) with anomalies in them, and some rows astray."""
    rng = np.random.default_rng(seed)
    parts = stream({"a": (lambda s: 40, step(0.01, 0.6, (75, 95))), "b": (lambda s: 20, step(0.1, 0.9, (85, 110)))}, 130)
    ts_ms = parts.ts_ms + np.where(rng.random(len(parts.ts_ms)) < 0.02, rng.integers(-9000, 9000), 0)
    return list(zip(ts_ms.tolist(), parts.ids.tolist(), parts.errors.tolist(), strict=True))


def by_observe(detector: Detector, logs: list[tuple[int, int, bool]]) -> int:
    return sum(detector.observe(ts_ms, "abc"[i], error) for ts_ms, i, error in logs)


def by_batch(detector: Detector, logs: list[tuple[int, int, bool]]) -> int:
    batch = [LogRow(ts_ms, "abc"[i], "ERROR" if error else "info") for ts_ms, i, error in logs]
    return detector.observe_batch(batch).accepted


def by_columns(detector: Detector, logs: list[tuple[int, int, bool]]) -> int:
    ts_ms, ids, errors = (list(column) for column in zip(*logs, strict=True)) if logs else ([], [], [])
    columns = (np.array(ts_ms, np.int64), np.array(ids, np.int64), np.array(errors, np.bool_))
    return observe_columns(detector, *columns, ["a", "b", "c"]).accepted


WAYS = [by_observe, by_batch, by_columns]


@pytest.mark.parametrize("way", [by_batch, by_columns])
def test_every_entry_gives_the_same_alerts(way: Callable[[Detector, list[tuple[int, int, bool]]], int]) -> None:
    one_by_one, other = Detector(), Detector()
    logs = loud()
    assert by_observe(one_by_one, logs) == way(other, logs)
    alerts = one_by_one.take_alerts()
    assert len(alerts) >= 4
    assert other.take_alerts() == alerts
    assert other.memory == one_by_one.memory


@settings(max_examples=150, derandomize=True)
@given(rows, st.sampled_from([by_batch, by_columns]), st.booleans())
def test_every_entry_leaves_the_same_state(
    logs: list[tuple[int, int, bool]],
    way: Callable[[Detector, list[tuple[int, int, bool]]], int],
    in_order: bool,
) -> None:
    if in_order:
        logs = sorted(logs)
    one_by_one, other = Detector(), Detector()
    assert by_observe(one_by_one, logs) == way(other, logs)
    assert other.memory == one_by_one.memory


def test_columns_of_many_chunks() -> None:
    logs = one(CHUNK_ROWS / 40, step(0.01, 0.3, (90, 100)), 130)
    columns = list(zip(logs.ts_ms.tolist(), [0] * len(logs.ids), logs.errors.tolist(), strict=True))
    single, bulk = Detector(), Detector()
    by_observe(single, columns)
    by_columns(bulk, columns)
    assert bulk.take_alerts() == single.take_alerts() != []


@settings(max_examples=25, derandomize=True)
@given(st.lists(st.integers(1, 900), min_size=1, max_size=20))
def test_any_split_into_batches(sizes: list[int]) -> None:
    logs = loud(1)
    whole, split = Detector(), Detector()
    by_batch(whole, logs)
    start = i = 0
    while start < len(logs):
        by_batch(split, logs[start : start + sizes[i % len(sizes)]])
        start += sizes[i % len(sizes)]
        i += 1
    assert split.take_alerts() == whole.take_alerts()


def test_any_order_among_equal_times() -> None:
    logs = [(ts_ms // 500 * 500, i, error) for ts_ms, i, error in loud()]
    logs.sort(key=lambda log: log[0])
    backwards = [log for _, group in groupby(logs, key=lambda log: log[0]) for log in reversed(list(group))]
    first, second = Detector(), Detector()
    by_observe(first, logs)
    by_observe(second, backwards)
    assert second.take_alerts() == first.take_alerts() != []


def test_a_shift_by_weeks() -> None:
    logs = one(100, step(0.02, 0.4, (90, 120)), 140)
    moved = Stream(logs.arrival_ms + 9 * WEEK_MS, logs.ts_ms + 9 * WEEK_MS, logs.ids, logs.errors, logs.services)
    assert drive(moved, 140, t0_ms=T0_MS + 9 * WEEK_MS).onsets() == drive(logs, 140).onsets() != []


def test_other_services_change_nothing() -> None:
    a = (lambda s: 100.0, step(0.02, 0.4, (90, 120)))
    alone = stream({"a": a}, 140, seed=8)
    others = {"__proto__": (lambda s: 300.0, step(0.001, 0.9, (80, 130))), "b": (lambda s: 1.0, lambda s: 0.5)}
    more = stream(others, 140, seed=9)
    both = Stream(
        np.concatenate([alone.arrival_ms, more.arrival_ms]),
        np.concatenate([alone.ts_ms, more.ts_ms]),
        np.concatenate([alone.ids, more.ids + 1]),
        np.concatenate([alone.errors, more.errors]),
        ["a", *others],
    )
    order = np.argsort(both.arrival_ms, kind="stable")
    columns = (both.arrival_ms[order], both.ts_ms[order], both.ids[order], both.errors[order])
    heard = drive(Stream(*columns, both.services), 140)
    assert heard.onsets("a") == pytest.approx(drive(alone, 140).onsets("a"), abs=1.0)
    assert heard.onsets("__proto__")


@pytest.mark.parametrize("seam_s", [30, 80, 89, 100, 130])
def test_a_snapshot_goes_on_as_if_nothing_had_happened(seam_s: int) -> None:
    logs = one(150, step(0.2, 0.7, (90, 125), (150, 170)), 180, seed=2)
    whole = drive(logs, 180)
    detector = Detector()
    before = drive(logs, seam_s, detector=detector)
    after = drive(logs, 180, detector=load(dump(detector)), begin_s=seam_s)
    assert before.alerts + after.alerts == whole.alerts
    assert len(whole.onsets()) == 2


@settings(max_examples=60, derandomize=True)
@given(rows, rows)
def test_a_snapshot_holds_everything(before: list[tuple[int, int, bool]], after: list[tuple[int, int, bool]]) -> None:
    detector = Detector()
    by_observe(detector, before)
    restored = load(dump(detector))
    assert by_observe(restored, after) == by_observe(detector, after)
    assert restored.memory == detector.memory


@settings(max_examples=80, derandomize=True)
@given(st.data())
def test_a_damaged_snapshot_is_refused(data: st.DataObject) -> None:
    state = dump(Detector())
    at = data.draw(st.integers(0, len(state) - 1))
    flipped = state[:at] + chr(ord(state[at]) ^ (1 << data.draw(st.integers(0, 6)))) + state[at + 1 :]
    for bad in (state[:at], flipped, state + state[at]):
        with pytest.raises(SnapshotError):
            load(bad)


def test_alerts_are_caused_by_the_logs_before_them() -> None:
    logs = loud()
    whole = Detector()
    by_observe(whole, logs)
    cut, seen = Detector(), 0
    alerts: list[Alert] = []
    for log in logs:
        by_observe(cut, [log])
        new = cut.take_alerts()
        seen = max(seen, log[0])
        assert all(alert.ts_ms <= seen for alert in new)
        alerts += new
    assert alerts == whole.take_alerts()


def test_heard_counts_onsets() -> None:
    def told(at_s: float) -> tuple[float, Alert]:
        return at_s, Alert(0, "a", "error_rate", "low", 1.0, "")

    assert Heard([told(1), told(20), told(49.5), told(80), told(200)]).onsets() == [1, 80, 200]
