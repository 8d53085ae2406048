"""The detector: logs in, alerts out.

Logs are counted per service in open buckets of one second of stream time. A bucket closes when the stream
clock has passed its end by the allowed lateness; then every service in it is judged. Nothing in here reads a
clock.
"""

from collections.abc import Iterable
from math import floor

import msgspec

from reference_impl.detector.alerts import Alert, alert
from reference_impl.detector.clock import BUCKET_MS, LATENESS_MS, Place, StreamClock
from reference_impl.detector.counts import ERROR, LOG
from reference_impl.detector.registry import Registry, valid_name
from reference_impl.detector.series import Series

MAX_TS_MS = 2.0**53
MAX_NAMES_IN_BUCKET = 65_536
"""Beyond this many services in one second only those already established are counted."""

_WEIGHTS = {"error": ERROR, "fatal": ERROR, "debug": LOG, "info": LOG, "warn": LOG}


def weight_of(level: str) -> int:
    """Packed count of one log of this level, in any letter case; an unknown level is no error."""
    return _WEIGHTS.get(level) or _WEIGHTS.get(level.lower(), LOG)


class LogRow(msgspec.Struct, gc=False):
    """The fields of a log that the detector reads."""

    ts_ms: int | float
    service: str
    level: str


class Tally(msgspec.Struct, frozen=True):
    """How many logs were taken and how many refused."""

    accepted: int
    rejected: int


class Memory(msgspec.Struct):
    """All that a detector knows: what a snapshot holds."""

    clock: StreamClock
    series: dict[str, Series]
    newcomers: dict[str, tuple[int, int]]
    open: dict[int, dict[str, int]]


class Detector:
    """Error-share anomalies per service, from a stream of logs. Not thread-safe.

    Call `observe`, `observe_batch` or `columns.observe_columns` with logs in arrival order, `pass_time` at
    the end of each request, and collect with `take_alerts`. The same calls give the same alerts.
    """

    def __init__(self, memory: Memory | None = None) -> None:
        known = memory if memory is not None else Memory(StreamClock(), {}, {}, {})
        self._clock = known.clock
        self._registry = Registry(known.series, known.newcomers)
        self._open = known.open
        self._alerts: list[Alert] = []
        # The newest bucket, its counts and its bounds in ms: most logs fall between these. Empty bounds mean
        # that every log must go the careful way.
        self._newest: dict[str, int] = {}
        self._from_ms = 1
        self._until_ms = 0

    @property
    def memory(self) -> Memory:
        """The state, shared with the detector, not a copy."""
        return Memory(self._clock, self._registry.series, self._registry.newcomers, self._open)

    @property
    def services(self) -> int:
        """Number of services followed."""
        return len(self._registry)

    def take_alerts(self) -> list[Alert]:
        """Alerts since the last call, in the order in which they came about."""
        taken, self._alerts = self._alerts, []
        return taken

    def pass_time(self, now_ms: float, is_tick: bool) -> None:
        """End of a request made at `now_ms` by the host's clock; a tick stands for about a second."""
        self._clock.pass_host_time(now_ms, is_tick)
        self._close_due()

    def observe(self, ts_ms: object, service: object, is_error: bool, now_ms: float | None = None) -> bool:
        """Take in one log; false if it is refused, and then nothing has changed but the clock's suspicion.

        `ts_ms` must be a finite number >= 0 (a boolean is none), `service` a non-empty string of at most 10
        KiB.
        """
        if (type(ts_ms) is not int and type(ts_ms) is not float) or type(service) is not str:
            return False
        weight = ERROR if is_error else LOG
        if self._from_ms <= ts_ms < self._until_ms:
            before = self._newest.get(service)
            if before is not None:
                self._newest[service] = before + weight
                if ts_ms > self._clock.newest_ms:
                    self._clock.newest_ms = ts_ms
                    self._clock.idle_ms = 0.0
                return True
        return self._observe_carefully(ts_ms, service, weight, now_ms)

    def observe_batch(self, logs: Iterable[LogRow], now_ms: float | None = None) -> Tally:
        """Take in logs whose fields have the right types; the same as `observe` for each of them."""
        accepted = rejected = 0
        clock, weights = self._clock, _WEIGHTS
        newest, from_ms, until_ms = self._newest, self._from_ms, self._until_ms
        newest_ms = clock.newest_ms
        for log in logs:
            ts_ms, service = log.ts_ms, log.service
            weight = weights.get(log.level) or weight_of(log.level)
            if from_ms <= ts_ms < until_ms:
                before = newest.get(service)
                if before is not None:
                    newest[service] = before + weight
                    if ts_ms > newest_ms:
                        newest_ms = clock.newest_ms = ts_ms
                        clock.idle_ms = 0.0
                    accepted += 1
                    continue
            if self._observe_carefully(ts_ms, service, weight, now_ms):
                accepted += 1
            else:
                rejected += 1
            newest, from_ms, until_ms = self._newest, self._from_ms, self._until_ms
            newest_ms = clock.newest_ms
        return Tally(accepted, rejected)

    def enter(self, ts_ms: float) -> dict[str, int] | None:
        """For bulk counting: place a log that comes before others of the same bucket.

        Returns the counts to which the caller adds all of them, and then calls `leave` with the newest one's
        time; or None if this log needs `observe`.
        """
        clock = self._clock
        if not clock.started or clock.votes or not clock.believes_bucket_of(ts_ms):
            return None
        clock.place(ts_ms, None)
        return self._open.setdefault(self._own_bucket(ts_ms), {})

    def leave(self, ts_ms: float) -> None:
        """For bulk counting: the newest time counted since `enter`."""
        if ts_ms > self._clock.newest_ms:
            self._clock.newest_ms, self._clock.idle_ms = ts_ms, 0.0

    def admit(self, counts: dict[str, int], service: str, packed: int) -> None:
        """Add to a bucket's counts for a service with a valid name that may be new to the bucket."""
        before = counts.get(service)
        if before is not None:
            counts[service] = before + packed
        elif len(counts) < MAX_NAMES_IN_BUCKET or service in self._registry.series:
            counts[service] = packed

    def _observe_carefully(self, ts_ms: float, service: str, weight: int, now_ms: float | None) -> bool:
        if not 0 <= ts_ms <= MAX_TS_MS or not valid_name(service):
            return False
        clock = self._clock
        place = clock.place(ts_ms, now_ms)
        if place is Place.LEAP:
            self._close(max(self._open, default=clock.open_from))
            clock.leap(ts_ms)
            place = clock.place(ts_ms, now_ms)
        if place is Place.OWN:
            bucket = self._own_bucket(ts_ms)
        else:
            self._until_ms = 0
            if place is Place.REFUSE:
                return False
            ahead = ts_ms > clock.time_ms
            bucket = max(clock.bucket(clock.time_ms), clock.open_from) if ahead else clock.open_from
        self.admit(self._open.setdefault(bucket, {}), service, weight)
        return True

    def _own_bucket(self, ts_ms: float) -> int:
        """The bucket of a log that was just placed as its own, after closing those that it closes."""
        self._close_due()
        clock = self._clock
        bucket = max(clock.bucket(ts_ms), clock.open_from)
        if bucket == clock.bucket(clock.time_ms):
            self._newest = self._open.setdefault(bucket, {})
            self._from_ms = clock.start_of(bucket)
            self._until_ms = self._from_ms + BUCKET_MS
        return bucket

    def _close_due(self) -> None:
        clock = self._clock
        if clock.started:
            due = clock.due()
            if due >= clock.open_from:
                self._close(due)

    def _close(self, last: int) -> None:
        """Close all buckets up to `last`, oldest first."""
        clock = self._clock
        clock.open_from = last + 1
        if clock.start_of(last) >= self._from_ms:
            self._until_ms = 0
        for bucket in sorted(b for b in self._open if b <= last):
            self._judge(bucket, self._open.pop(bucket))

    def _judge(self, bucket: int, counts: dict[str, int]) -> None:
        # An alert must not lag behind the stream by more than a bucket and the lateness, even if a long
        # silence kept its bucket open.
        end_ms = self._clock.start_of(bucket) + BUCKET_MS
        ts_ms = max(end_ms, floor(self._clock.time_ms) - LATENESS_MS)
        step = self._registry.step
        found = [
            alert(finding, service, ts_ms) for service, packed in counts.items() for finding in step(service, bucket, packed)
        ]
        if found:
            self._alerts.extend(sorted(found))
