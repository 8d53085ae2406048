"""A long stream of which only the memory of the process is watched: resident bytes over logs."""

from __future__ import annotations

from collections.abc import Callable, Iterator
from dataclasses import dataclass
from itertools import islice
from typing import Any

import numpy as np

from challenges.anomaly_detection.scenarios import SERVICES, stream_start_ms
from harness.errors import CandidateBrokeProtocol
from harness.measure.statistics import Floats, Interval, Ints, theil_sen
from harness.runtime.process import Process, ingest_timeout_s
from harness.runtime.trial import Undecided

BATCH_LOGS = 100
LOGS_PER_S = 2_000_000 / (4 * 3600)
ERROR_SHARE = 0.01
READINGS = 240
_TICK_MS = 1000


@dataclass(frozen=True, slots=True)
class Growth:
    """Resident bytes of the process after so many logs, both of shape (readings,)."""

    logs: Ints
    rss_bytes: Ints

    def per_log(self) -> Interval:
        """Bytes a log over the second half (Theil-Sen)."""
        half = len(self.logs) // 2
        return theil_sen(self.logs[half:].astype(np.float64), self.rss_bytes[half:].astype(np.float64))

    def arrays(self) -> dict[str, Ints]:
        """Name -> array, for keeping."""
        return {"logs": self.logs, "rss_bytes": self.rss_bytes}


def beyond(mine: Interval, floor: Interval) -> Interval:
    """A growth less what the no-op grows by, where that grows at all."""
    own = max(floor.value, 0.0)
    return Interval(mine.value - own, mine.low - own, mine.high - own)


def batches(logs: int, rng: np.random.Generator) -> Iterator[tuple[int, bytes]]:
    """(the stream's time in ms, the inside of a JSON list): `logs` logs of ten services, every message another one.

    Batches lie evenly at `LOGS_PER_S`; real messages carry ids, and whoever keeps texts keeps each of these.
    """
    start_ms = stream_start_ms(rng)
    step_ms = BATCH_LOGS * 1000 / LOGS_PER_S
    calm = [_template(service, "info") for service in SERVICES]
    bad = [_template(service, "error") for service in SERVICES]
    for number in range(logs // BATCH_LOGS):
        now_ms = start_ms + round((number + 1) * step_ms)
        picks = rng.integers(0, len(SERVICES), BATCH_LOGS).tolist()
        errors = (rng.random(BATCH_LOGS) < ERROR_SHARE).tolist()
        first = number * BATCH_LOGS
        yield (
            now_ms,
            b",".join(
                (bad if error else calm)[pick] % (now_ms, first + i)
                for i, (pick, error) in enumerate(zip(picks, errors, strict=True))
            ),
        )


def _template(service: str, level: str) -> bytes:
    return b'{"ts_ms":%%d,"service":"%b","level":"%b","message":"GET /api/orders/%%d 200 in 12 ms"}' % (
        service.encode(),
        level.encode(),
    )


def watch(
    process: Process, stream: Iterator[tuple[int, bytes]], logs: int, stop: Callable[[], bool], before: Growth | None = None
) -> Growth:
    """Hands over the next `logs` logs of `stream` as fast as it takes them, a tick for each second, and reads its memory on the way.

    What was read `before` of the same process comes first in what is returned. Raises CandidateFailure, and Undecided if `stop`
    holds before the end.
    """
    every = max(logs // BATCH_LOGS // READINGS, 1)
    seen = [] if before is None else list(zip(before.logs.tolist(), before.rss_bytes.tolist(), strict=True))
    first = seen[-1][0] if seen else 0
    ticked_ms = 0
    for number, (now_ms, inside) in enumerate(islice(stream, logs // BATCH_LOGS), 1):
        process.set_wall_ms(now_ms)
        if now_ms - ticked_ms >= _TICK_MS:
            process.request_raw("tick", b'{"now_ms":%d}' % now_ms)
            ticked_ms = now_ms
        result = process.request_raw(
            "ingest", b'{"now_ms":%d,"logs":[%b]}' % (now_ms, inside), timeout_s=ingest_timeout_s(BATCH_LOGS)
        )
        _check(result)
        if number % every == 0:
            seen.append((first + number * BATCH_LOGS, process.rss_bytes()))
            if stop():
                raise Undecided(f"the candidate is too slow: the time was used up after {seen[-1][0]:,} logs")
    table = np.array(seen, np.int64)
    return Growth(table[:, 0], table[:, 1])


def _check(result: dict[str, Any]) -> None:
    if result.get("accepted") != BATCH_LOGS:
        got = result.get("accepted")
        raise CandidateBrokeProtocol(f"of {BATCH_LOGS} good logs it says that {got!r:.60} were accepted")


def drawn(name: str, growth: Growth) -> dict[str, Any]:
    """One line of the chart: logs against MiB."""
    mib: Floats = growth.rss_bytes / 2**20
    return {"name": name, "logs": growth.logs.tolist(), "mib": np.round(mib, 3).tolist()}
