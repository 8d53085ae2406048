"""Counting whole columns of logs at once.

Where the rows are sorted by time, as they nearly always are, a bucket is a slice found by binary search, and its
counts are one `numpy.bincount`. Slices that turn out to hold more than one bucket, and rows at which the stream
clock has something to decide, go one by one; the alerts are the same either way.
"""

from collections.abc import Sequence
from typing import NamedTuple

import numpy as np
from numpy.typing import NDArray

from reference_impl.detector.clock import BUCKET_MS
from reference_impl.detector.counts import SHIFT
from reference_impl.detector.detector import MAX_TS_MS, Detector, Tally
from reference_impl.detector.registry import valid_name

CHUNK_ROWS = 131_072
"""Rows looked at together: a column of them stays in a core's own cache."""
MAX_SECONDS = 4096
"""A chunk that spans more than this holds a leap, and goes row by row."""


class _Rows(NamedTuple):
    """Columns of shape (rows,), and the names that the ids stand for."""

    ts_ms: NDArray[np.int64]
    ids: NDArray[np.int64]
    errors: NDArray[np.bool_]
    services: Sequence[str]

    def cut(self, start: int, stop: int) -> "_Rows":
        return _Rows(self.ts_ms[start:stop], self.ids[start:stop], self.errors[start:stop], self.services)


def observe_columns(
    detector: Detector,
    ts_ms: NDArray[np.int64],
    service_ids: NDArray[np.int64],
    is_error: NDArray[np.bool_],
    services: Sequence[str],
    now_ms: float | None = None,
) -> Tally:
    """Take in logs in arrival order: row i is from `services[service_ids[i]]`, at `ts_ms[i]`.

    All three columns have shape (rows,). Raises TypeError for other dtypes, ValueError for other shapes, for an
    id outside `services` and for a name that `valid_name` refuses; then nothing has been counted.
    """
    rows = _Rows(ts_ms, service_ids, is_error, services)
    _check(rows)
    total = len(ts_ms)
    rejected = sum(_count(detector, rows.cut(start, start + CHUNK_ROWS), now_ms) for start in range(0, total, CHUNK_ROWS))
    return Tally(total - rejected, rejected)


def _check(rows: _Rows) -> None:
    shape, ids = rows.ts_ms.shape, rows.ids
    wanted = (("ts_ms", rows.ts_ms, np.int64), ("service_ids", ids, np.int64), ("is_error", rows.errors, np.bool_))
    for name, column, dtype in wanted:
        if column.dtype != dtype:
            raise TypeError(f"{name} must have dtype {np.dtype(dtype)}, not {column.dtype}")
        if column.ndim != 1 or column.shape != shape:
            raise ValueError(f"{name} must have one dimension, as long as ts_ms, not shape {column.shape}")
    # Seen as unsigned, a negative id is a huge one: a single pass finds both ends.
    if len(ids) and int(ids.view(np.uint64).max()) >= len(rows.services):
        raise ValueError(f"service_ids must be from 0 to {len(rows.services) - 1}, one of the services given")
    for service in rows.services:
        if not valid_name(service):
            raise ValueError(f"services must be non-empty strings of at most 10 KiB, not {service!a:.40}")


def _count(detector: Detector, rows: _Rows, now_ms: float | None) -> int:
    """Count a chunk; how many of its rows were refused."""
    start = rejected = 0
    for stop in _borders(rows.ts_ms):
        if stop > start:
            piece = rows.cut(start, stop)
            newest_ms = _one_bucket(piece.ts_ms)
            if newest_ms is None:
                rejected += _count_singly(detector, piece, now_ms)
            else:
                rejected += _count_bucket(detector, piece, newest_ms, now_ms)
            start = stop
    return rejected


def _borders(ts_ms: NDArray[np.int64]) -> list[int]:
    """Where rows sorted by time pass from one bucket to the next, and their end."""
    first_s, last_s = int(ts_ms[0]) // BUCKET_MS, int(ts_ms[-1]) // BUCKET_MS
    if last_s - first_s > MAX_SECONDS:
        return [len(ts_ms)]
    edges_ms = np.arange(first_s + 1, last_s + 1, dtype=np.int64) * BUCKET_MS
    return [*np.searchsorted(ts_ms, edges_ms).tolist(), len(ts_ms)]


def _one_bucket(ts_ms: NDArray[np.int64]) -> int | None:
    """The newest time if all lie in one bucket, in whatever order, and may be times at all; else None."""
    oldest_ms, newest_ms = int(ts_ms.min()), int(ts_ms.max())
    together = newest_ms // BUCKET_MS == oldest_ms // BUCKET_MS
    return newest_ms if together and oldest_ms >= 0 and newest_ms <= MAX_TS_MS else None


def _count_bucket(detector: Detector, rows: _Rows, newest_ms: int, now_ms: float | None) -> int:
    """Count rows of one bucket at once, after as many singly as the clock needs to believe them."""
    total, rejected = len(rows.ts_ms), 0
    for start in range(total):
        counts = detector.enter(int(rows.ts_ms[start]))
        if counts is not None:
            _add(detector, counts, rows.cut(start, total))
            detector.leave(newest_ms)
            break
        rejected += _count_singly(detector, rows.cut(start, start + 1), now_ms)
    return rejected


def _add(detector: Detector, counts: dict[str, int], rows: _Rows) -> None:
    """Add one bucket's rows to its counts."""
    packed = np.bincount(rows.ids, minlength=len(rows.services))
    wrong = rows.ids[np.flatnonzero(rows.errors)]
    if len(wrong):
        packed += np.bincount(wrong, minlength=len(rows.services)) << SHIFT
    for service, count in zip(rows.services, packed.tolist(), strict=True):
        if count:
            detector.admit(counts, service, count)


def _count_singly(detector: Detector, rows: _Rows, now_ms: float | None) -> int:
    """Observe rows one by one; how many were refused."""
    triples = zip(rows.ts_ms.tolist(), rows.ids.tolist(), rows.errors.tolist(), strict=True)
    return sum(not detector.observe(ts_ms, rows.services[i], error, now_ms) for ts_ms, i, error in triples)
