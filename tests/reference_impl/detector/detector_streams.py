"""Seeded streams, and a driver that hands them to a detector as a harness would: 250 ms batches, a tick a second."""

from collections.abc import Callable, Sequence
from dataclasses import dataclass, field

import numpy as np
from numpy.typing import NDArray

from reference_impl.detector import Alert, Detector
from reference_impl.detector.columns import observe_columns

T0_MS = 1_700_000_000_000
STEP_MS = 250
ONSET_GAP_S = 30.0

Curve = Callable[[float], float]


@dataclass
class Stream:
    """Rows in arrival order: arrival and event time in ms, index of the service, whether an error."""

    arrival_ms: NDArray[np.int64]
    ts_ms: NDArray[np.int64]
    ids: NDArray[np.int64]
    errors: NDArray[np.bool_]
    services: list[str]


@dataclass
class Heard:
    """Alerts with the second of the stream, after its beginning, in which they arrived."""

    alerts: list[tuple[float, Alert]] = field(default_factory=list)
    rejected: int = 0

    def onsets(self, service: str = "a", kind: str = "error_rate", since_s: float = 0.0) -> list[float]:
        times = [t for t, alert in self.alerts if alert.service == service and alert.kind == kind]
        firsts = [t for t, before in zip(times, [-1e9, *times], strict=False) if t - before >= ONSET_GAP_S]
        return [t for t in firsts if t >= since_s]

    def last_s(self) -> float:
        return max((t for t, _ in self.alerts), default=0.0)


def stream(services: dict[str, tuple[Curve, Curve]], seconds: int, seed: int = 0, t0_ms: int = T0_MS) -> Stream:
    """Services by name, each with its logs a second and its error share as functions of the second."""
    rng = np.random.default_rng(seed)
    parts = []
    for i, (rate, share) in enumerate(services.values()):
        counts = rng.poisson([rate(s) for s in range(seconds)])
        second = np.repeat(np.arange(seconds), counts)
        ts_ms = t0_ms + second * 1000 + rng.integers(0, 1000, len(second))
        shares = np.array([share(s) for s in range(seconds)])[second]
        parts.append((ts_ms, np.full(len(ts_ms), i), rng.random(len(ts_ms)) < shares))
    ts_ms, ids, errors = (np.concatenate(column) for column in zip(*parts, strict=True))
    order = np.argsort(ts_ms, kind="stable")
    return Stream(ts_ms[order], ts_ms[order], ids[order], errors[order], list(services))


def one(rate: float, share: Curve, seconds: int, seed: int = 0) -> Stream:
    """A single service named `a` at an even rate."""
    return stream({"a": (lambda s: rate, share)}, seconds, seed)


def step(low: float, high: float, *spans: tuple[float, float]) -> Curve:
    """`high` within the spans of seconds, else `low`."""
    return lambda s: high if any(start <= s < stop for start, stop in spans) else low


def drive(
    rows: Stream,
    seconds: int,
    host_offset_ms: Callable[[float], float] = lambda s: 0.0,
    strays: Sequence[tuple[float, float]] = (),
    detector: Detector | None = None,
    begin_s: int = 0,
    t0_ms: int = T0_MS,
) -> Heard:
    """Hand over the rows that arrive in `begin_s` to `seconds`; `strays` are (arrival second, ts_ms) of errors."""
    detector = Detector() if detector is None else detector
    heard = Heard()
    waiting = sorted(strays)
    for at_ms in range(begin_s * 1000 + STEP_MS, seconds * 1000 + 1, STEP_MS):
        now_ms = t0_ms + at_ms + host_offset_ms(at_ms / 1000)
        while waiting and waiting[0][0] * 1000 < at_ms:
            detector.observe(waiting.pop(0)[1], "a", True, now_ms)
        i, j = np.searchsorted(rows.arrival_ms, [t0_ms + at_ms - STEP_MS, t0_ms + at_ms])
        columns = (rows.ts_ms[i:j], rows.ids[i:j], rows.errors[i:j])
        heard.rejected += observe_columns(detector, *columns, rows.services, now_ms).rejected if j > i else 0
        detector.pass_time(now_ms, is_tick=False)
        if at_ms % 1000 == 0:
            detector.pass_time(now_ms, is_tick=True)
        heard.alerts += [(at_ms / 1000, alert) for alert in detector.take_alerts()]
    return heard
