"""The reference detector next to a `river` pipeline and to a bare `numpy.bincount`, on the same rows.

The peers do less: river's running mean and variance per service know no time, check nothing and decide nothing;
the bincount only counts. The detector's figures include checking every field, the stream clock, and judging every
service every second. Importing this module needs `river` (the extra `bench`).
"""

from collections.abc import Callable
from statistics import median
from typing import NamedTuple

import numpy as np
from numpy.typing import NDArray
from river import stats

from harness.bench.paired import Row, in_turns, row, speed_ratio
from reference_impl.detector import Detector
from reference_impl.detector.columns import observe_columns

SEED = 20_240
SERVICES = [f"service-{i}" for i in range(8)]
ERROR_SHARE = 0.01
BEGIN_MS = 1_700_000_000_000

DENSE_LOGS_S = 100_000
"""A large system, or a backfill from a store of logs: what columns are for. Judging every service every second
costs the same however many logs the second holds: the thinner the stream, the larger that part of each log."""
SPARSE_LOGS_S = 1667
"""100,000 logs a minute."""


class Rows(NamedTuple):
    """Columns of shape (rows,), in order of time, and the same as lists."""

    ts_ms: NDArray[np.int64]
    ids: NDArray[np.int64]
    errors: NDArray[np.bool_]
    ts_list: list[int]
    names: list[str]
    error_list: list[bool]


def make_rows(rows: int, logs_s: int) -> Rows:
    """A stationary stream over all services, the same at every call."""
    rng = np.random.default_rng(SEED)
    ts_ms = BEGIN_MS + np.sort(rng.integers(0, rows * 1000 // logs_s, rows))
    ids = rng.integers(0, len(SERVICES), rows)
    errors = rng.random(rows) < ERROR_SHARE
    names = [SERVICES[i] for i in ids.tolist()]
    return Rows(ts_ms, ids, errors, ts_ms.tolist(), names, errors.tolist())


def one_by_one(rows: Rows) -> Callable[[], object]:
    """Every row through `Detector.observe`."""

    def work() -> None:
        observe = Detector().observe
        for ts_ms, name, error in zip(rows.ts_list, rows.names, rows.error_list, strict=True):
            observe(ts_ms, name, error)

    return work


def in_columns(rows: Rows) -> Callable[[], object]:
    """All rows through `observe_columns`."""
    return lambda: observe_columns(Detector(), rows.ts_ms, rows.ids, rows.errors, SERVICES)


def through_river(rows: Rows) -> Callable[[], object]:
    """Every row's error indicator through an EWMean and an EWVar of its service."""

    def work() -> None:
        pipelines = {name: (stats.EWMean(0.01), stats.EWVar(0.01)) for name in SERVICES}
        for name, error in zip(rows.names, rows.error_list, strict=True):
            mean, variance = pipelines[name]
            mean.update(error)
            variance.update(error)

    return work


def counted(rows: Rows) -> Callable[[], object]:
    """One bare count of all rows."""
    return lambda: np.bincount(rows.ids)


def against_river(rows: int, logs_s: int, repeats: int) -> list[Row]:
    """Both entries of the detector against river."""
    stream = make_rows(rows, logs_s)
    works = {"river": through_river(stream), "log": one_by_one(stream), "columns": in_columns(stream)}
    times = in_turns(works, repeats)
    cost_ns = {name: median(seconds) / rows * 1e9 for name, seconds in times.items()}
    peer = "river EWMean + EWVar"
    per_log, per_column = (speed_ratio(times[name], times["river"]) for name in ("log", "columns"))
    return [
        row(f"river, {logs_s} logs/s", cost_ns["river"], "ns/log"),
        row(f"detector per log, {logs_s} logs/s", cost_ns["log"], "ns/log", peer, per_log, 0.4),
        row(f"detector columns, {logs_s} logs/s", cost_ns["columns"], "ns/log", peer, per_column, 5.0),
    ]


def against_bincount(rows: int, logs_s: int, repeats: int, target: float) -> list[Row]:
    """The detector's columns against one `numpy.bincount` over the ids."""
    stream = make_rows(rows, logs_s)
    times = in_turns({"count": counted(stream), "columns": in_columns(stream)}, repeats)
    cost_ns = {name: median(seconds) / rows * 1e9 for name, seconds in times.items()}
    ratio = speed_ratio(times["columns"], times["count"])
    ours = f"detector columns, {logs_s} logs/s"
    return [
        row(f"numpy.bincount, {logs_s} logs/s", cost_ns["count"], "ns/log"),
        row(ours, cost_ns["columns"], "ns/log", "numpy.bincount", ratio, target),
    ]


def run() -> list[Row]:
    """All comparisons: the dense stream with every target, the sparse one for what columns gain there."""
    return [
        *against_river(1_000_000, DENSE_LOGS_S, repeats=5),
        *against_bincount(4_000_000, DENSE_LOGS_S, repeats=15, target=0.3),
        *against_river(200_000, SPARSE_LOGS_S, repeats=7),
        *against_bincount(500_000, SPARSE_LOGS_S, repeats=15, target=0.0),
    ]
