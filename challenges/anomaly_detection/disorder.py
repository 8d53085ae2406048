"""Sources whose clocks differ: the same logs with their true times, handed over in the order in which they arrive."""

from __future__ import annotations

from challenges.anomaly_detection.playback import BATCH_SPAN_MS
from challenges.anomaly_detection.traffic import Ints, Traffic

MOST_APART_MS = 3_000


def apart_ms(lateness_ms: int) -> int:
    """How far apart sources may be for a candidate that declares this lateness: no log is then later than the smaller of
    it and 3 s, even by the `now_ms` of its own request, which is a batch ahead of the log before it."""
    return max(0, min(lateness_ms, MOST_APART_MS) - BATCH_SPAN_MS)


def arrived(traffic: Traffic, behind_ms: Ints) -> Traffic:
    """The rows in order of arrival: each log arrives `behind_ms` (shape (n,)) after its own time, which it keeps."""
    return traffic.rows((traffic.ts_ms + behind_ms).argsort(kind="stable"))


def most_late_ms(traffic: Traffic) -> int:
    """How far the latest log stands behind the newest one handed over before it."""
    newest_ms = 0
    late_ms = 0
    for ts_ms in traffic.ts_ms.tolist():
        newest_ms = max(newest_ms, ts_ms)
        late_ms = max(late_ms, newest_ms - ts_ms)
    return late_ms
