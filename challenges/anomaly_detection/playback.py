"""Traffic as requests: what is handed over when, and its JSON, encoded once and at a few tens of nanoseconds a log.

Every record is written into a row of one byte matrix: a template per (service, level, message), padded with spaces
(legal between JSON tokens) to one width, into which the digits of the time are put.
"""

from __future__ import annotations

import json
from collections.abc import Iterator
from dataclasses import dataclass, field

import numpy as np
import numpy.typing as npt

from challenges.anomaly_detection.traffic import LEVELS, MESSAGES, Ints, Traffic

BATCH_SPAN_MS = 250
TICK_MS = 1000

_HEAD = b'{"ts_ms":'
_DIGITS = 13
# Beyond this width (bytes), padding every record to the longest would cost more than joining them one by one.
_WIDEST_TEMPLATE = 400
_CHUNK_LOGS = 1 << 16
_CACHED_BYTES = 1 << 26
_FOUR: npt.NDArray[np.uint8] = np.frombuffer(b"".join(b"%04d" % n for n in range(10_000)), np.uint8).reshape(-1, 4)


def log_json(ts: str, service: str, level: str, message: str) -> bytes:
    """One log as JSON; `ts` is the text of the number."""
    return _HEAD + ts.encode() + _tail(service, level, message)


def _tail(service: str, level: str, message: str) -> bytes:
    named = {"service": service, "level": level, "message": message}
    return b"," + json.dumps(named, ensure_ascii=False, separators=(",", ":")).encode()[1:]


class Encoder:
    """Encodes rows of one traffic. Raises ValueError if a time does not have 13 digits (2001 to 2286)."""

    def __init__(self, traffic: Traffic) -> None:
        self._traffic = traffic
        if len(traffic) and not 10**12 <= traffic.ts_ms.min() <= traffic.ts_ms.max() < 10**13:
            raise ValueError("only times of 13 digits can be encoded, between the years 2001 and 2286")
        codes = self._codes()
        used = np.flatnonzero(np.bincount(codes))
        row_of_code = np.zeros(int(used.max(initial=0)) + 1, np.int32)
        row_of_code[used] = np.arange(len(used))
        self._row_of = row_of_code[codes]
        self._tails = [self._tail_of(int(code)) for code in used]
        self._width = len(_HEAD) + _DIGITS + max(map(len, self._tails), default=0) + 1
        self._templates = self._matrix() if self._width <= _WIDEST_TEMPLATE else None

    def _codes(self) -> Ints:
        pair = self._traffic.service.astype(np.int64) * len(LEVELS) + self._traffic.level
        return np.asarray(pair * len(MESSAGES) + self._traffic.message)

    def _tail_of(self, code: int) -> bytes:
        rest, message = divmod(code, len(MESSAGES))
        service, level = divmod(rest, len(LEVELS))
        return _tail(self._traffic.services[service], LEVELS[level], MESSAGES[message])

    def _matrix(self) -> npt.NDArray[np.uint8]:
        blank = _HEAD + b"0" * _DIGITS
        rows = [(blank + tail).ljust(self._width - 1) + b"," for tail in self._tails]
        return np.frombuffer(b"".join(rows), np.uint8).reshape(len(rows), self._width)

    def rows(self, first: int, last: int) -> Encoded:
        """Rows first..last-1, encoded."""
        ts_ms = self._traffic.ts_ms[first:last]
        if self._templates is None:
            return self._joined(first, last)
        out = self._templates.take(self._row_of[first:last], axis=0)
        at = len(_HEAD)
        high, low = np.divmod(ts_ms, 10_000)
        out[:, at + 9 : at + 13] = _FOUR.take(low, axis=0)
        high, middle = np.divmod(high, 10_000)
        out[:, at + 5 : at + 9] = _FOUR.take(middle, axis=0)
        first_digit, rest = np.divmod(high, 10_000)
        out[:, at] = first_digit + ord("0")
        out[:, at + 1 : at + 5] = _FOUR.take(rest, axis=0)
        return Encoded(out.tobytes(), np.arange(last - first + 1, dtype=np.int64) * self._width)

    def _joined(self, first: int, last: int) -> Encoded:
        parts = [
            _HEAD + b"%d" % ts + self._tails[row] + b","
            for ts, row in zip(self._traffic.ts_ms[first:last].tolist(), self._row_of[first:last].tolist(), strict=True)
        ]
        return Encoded(b"".join(parts), np.cumsum([0, *map(len, parts)], dtype=np.int64))


@dataclass(frozen=True, slots=True)
class Encoded:
    """Encoded rows, each ended by a comma; `offsets` has shape (rows + 1,)."""

    data: bytes
    offsets: Ints

    def logs(self, first: int, last: int) -> bytes:
        """Rows first..last-1 as the inside of a JSON list."""
        return self.data[self.offsets[first] : max(self.offsets[first], self.offsets[last] - 1)]


@dataclass(frozen=True, slots=True)
class Step:
    """One request: an `ingest` of rows first..last-1, or a `tick` (first == last), at `now_ms` of the stream."""

    first: int
    last: int
    now_ms: int
    params: bytes

    @property
    def logs(self) -> int:
        return self.last - self.first


@dataclass(slots=True)
class Playback:
    """A traffic with its division into requests. Iterating gives the steps; small traffic is encoded only once.

    Batches lie within a grid of stream time (250 ms; wider only where nothing is gated), are cut further before the rows
    in `cuts`, and a tick is handed over at every whole second from the start to the end of the stream.
    """

    traffic: Traffic
    cuts: Ints = field(default_factory=lambda: np.empty(0, np.int64))
    span_ms: int = BATCH_SPAN_MS
    _kept: list[Step] | None = None

    def __iter__(self) -> Iterator[Step]:
        if self._kept is not None:
            yield from self._kept
            return
        kept: list[Step] = []
        room = _CACHED_BYTES
        for step in self._steps():
            room -= len(step.params)
            if room >= 0:
                kept.append(step)
            yield step
        if room >= 0:
            self._kept = kept

    def _steps(self) -> Iterator[Step]:
        bounds, nows = _plan(self.traffic, self.cuts, self.span_ms)
        encoder = Encoder(self.traffic)
        chunk, chunk_first, chunk_last = encoder.rows(0, 0), 0, 0
        for first, last, now_ms in zip(bounds[:-1], bounds[1:], nows, strict=True):
            if first == last:
                yield Step(first, last, now_ms, b'{"now_ms":%d}' % now_ms)
                continue
            if last > chunk_last:
                chunk_first, chunk_last = first, min(max(last, first + _CHUNK_LOGS), len(self.traffic))
                chunk = encoder.rows(chunk_first, chunk_last)
            logs = chunk.logs(first - chunk_first, last - chunk_first)
            yield Step(first, last, now_ms, b'{"now_ms":%d,"logs":[%b]}' % (now_ms, logs))


def _plan(traffic: Traffic, cuts: Ints, span_ms: int) -> tuple[list[int], list[int]]:
    """Row bounds of m requests, length m + 1, and the stream's time at each, length m. Equal bounds mean a tick."""
    newest = np.maximum.accumulate(traffic.ts_ms) if len(traffic) else traffic.ts_ms
    grid = newest // span_ms
    starts = np.flatnonzero(np.diff(grid, prepend=grid[:1] - 1)) if len(traffic) else np.empty(0, np.int64)
    starts = np.union1d(starts, cuts[(cuts > 0) & (cuts < len(traffic))])
    ticks = np.arange(-(-traffic.start_ms // TICK_MS), traffic.end_ms // TICK_MS + 1) * TICK_MS
    ticks_before = np.searchsorted(newest, ticks, side="left")
    ends = np.append(starts[1:], len(traffic)) if len(starts) else starts
    # A tick goes before the batch that starts at the same row: the rows up to there are older than the tick.
    rows = np.concatenate([ticks_before, starts])
    is_batch = np.concatenate([np.zeros(len(ticks), np.int64), np.ones(len(starts), np.int64)])
    last = np.concatenate([ticks_before, ends])
    nows = np.concatenate([ticks, newest[ends - 1] if len(ends) else newest])
    order = np.lexsort((nows, is_batch, rows))
    bounds = np.concatenate([[0], last[order]]).astype(np.int64)
    return bounds.tolist(), nows[order].tolist()
