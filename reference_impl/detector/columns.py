"""Counting whole columns of logs at once.

Where the rows are sorted by time, as they nearly always are, a bucket is a slice found by binary search, and
its counts are one `numpy.bincount`. Rows that are out of order, or at which the stream clock has something to
decide, go one by one; the alerts are the same either way.
"""

from collections.abc import Sequence

import numpy as np
from numpy.typing import NDArray

from reference_impl.detector.clock import BUCKET_MS
from reference_impl.detector.counts import pack
from reference_impl.detector.detector import Detector, Tally
from reference_impl.detector.registry import valid_name

CHUNK_ROWS = 32_768
"""Rows handled together: three columns of them stay in a core's own cache."""
MAX_SPAN_MS = 4096 * BUCKET_MS
"""A sorted chunk that spans more than this holds a leap, and goes row by row."""


def observe_columns(
    detector: Detector,
    ts_ms: NDArray[np.int64],
    service_ids: NDArray[np.int64],
    is_error: NDArray[np.bool_],
    services: Sequence[str],
    now_ms: float | None = None,
) -> Tally:
    """Take in logs in arrival order: row i is from `services[service_ids[i]]`, at `ts_ms[i]`.

    All three columns have shape (rows,). Raises TypeError for other dtypes, ValueError for other shapes, for
    an id outside `services` and for a name that `valid_name` refuses; then nothing has been counted.
    """
    _check(ts_ms, service_ids, is_error, services)
    rejected = 0
    for start in range(0, len(ts_ms), CHUNK_ROWS):
        rows = slice(start, start + CHUNK_ROWS)
        count = _count_sorted if _is_sorted(ts_ms[rows]) else _count_singly
        rejected += count(detector, ts_ms[rows], service_ids[rows], is_error[rows], services, now_ms)
    return Tally(len(ts_ms) - rejected, rejected)


def _check(
    ts_ms: NDArray[np.int64],
    service_ids: NDArray[np.int64],
    is_error: NDArray[np.bool_],
    services: Sequence[str],
) -> None:
    wanted = (
        ("ts_ms", ts_ms, np.int64),
        ("service_ids", service_ids, np.int64),
        ("is_error", is_error, np.bool_),
    )
    for name, column, dtype in wanted:
        if column.dtype != dtype:
            raise TypeError(f"{name} must have dtype {np.dtype(dtype)}, not {column.dtype}")
        if column.shape != (len(ts_ms),):
            raise ValueError(f"{name} must have shape ({len(ts_ms)},) like ts_ms, not {column.shape}")
    # Seen as unsigned, a negative id is a huge one: a single pass finds both ends.
    if len(service_ids) and int(service_ids.view(np.uint64).max()) >= len(services):
        raise ValueError(f"service_ids must be from 0 to {len(services) - 1}, the ids of the given services")
    for service in services:
        if not valid_name(service):
            raise ValueError(f"services must be non-empty strings of at most 10 KiB, not {service!r:.40}")


def _is_sorted(ts_ms: NDArray[np.int64]) -> bool:
    span_ms = int(ts_ms[-1]) - int(ts_ms[0])
    return 0 <= span_ms <= MAX_SPAN_MS and not bool((ts_ms[1:] < ts_ms[:-1]).any())


def _count_sorted(
    detector: Detector,
    ts_ms: NDArray[np.int64],
    service_ids: NDArray[np.int64],
    is_error: NDArray[np.bool_],
    services: Sequence[str],
    now_ms: float | None,
) -> int:
    """Count rows bucket by bucket, and singly those that the clock must decide on; how many were refused."""
    first_s, last_s = int(ts_ms[0]) // BUCKET_MS, int(ts_ms[-1]) // BUCKET_MS
    borders = np.arange(first_s + 1, last_s + 1, dtype=np.int64) * BUCKET_MS
    start = rejected = 0
    for stop in (*np.searchsorted(ts_ms, borders).tolist(), len(ts_ms)):
        while start < stop:
            counts = detector.enter(int(ts_ms[start]))
            if counts is not None:
                _add(detector, counts, service_ids[start:stop], is_error[start:stop], services)
                detector.leave(int(ts_ms[stop - 1]))
                start = stop
                continue
            row = slice(start, start + 1)
            rejected += _count_singly(detector, ts_ms[row], service_ids[row], is_error[row], services, now_ms)
            start += 1
    return rejected


def _add(
    detector: Detector,
    counts: dict[str, int],
    service_ids: NDArray[np.int64],
    is_error: NDArray[np.bool_],
    services: Sequence[str],
) -> None:
    """Add one bucket's rows to its counts."""
    logs = np.bincount(service_ids, minlength=len(services))
    errors = np.bincount(service_ids[np.flatnonzero(is_error)], minlength=len(services))
    present = np.flatnonzero(logs).tolist()
    for i, n, k in zip(present, logs[present].tolist(), errors[present].tolist(), strict=True):
        detector.admit(counts, services[i], pack(n, k))


def _count_singly(
    detector: Detector,
    ts_ms: NDArray[np.int64],
    service_ids: NDArray[np.int64],
    is_error: NDArray[np.bool_],
    services: Sequence[str],
    now_ms: float | None,
) -> int:
    """Observe rows one by one; how many were refused."""
    rows = zip(ts_ms.tolist(), service_ids.tolist(), is_error.tolist(), strict=True)
    return sum(not detector.observe(ts, services[i], error, now_ms) for ts, i, error in rows)
