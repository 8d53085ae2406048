"""Traffic without any variance: logs at exactly equal distances, every n-th of them an error. Pure functions."""

from __future__ import annotations

from dataclasses import dataclass, replace

import numpy as np

from challenges.anomaly_detection.traffic import LEVELS, MESSAGES, Traffic

_CALM_LEVEL, _ERROR_LEVEL = LEVELS.index("info"), LEVELS.index("error")
_CALM_MESSAGE, _ERROR_MESSAGE = 0, len(MESSAGES) - 1


@dataclass(frozen=True, slots=True)
class Beat:
    """A service with a log every `gap_ms`, of which every `error_every`-th is an error (0: none, 1: all)."""

    service: str
    gap_ms: int
    error_every: int

    @property
    def rate(self) -> float:
        """Logs per second."""
        return 1000 / self.gap_ms

    @property
    def share(self) -> float:
        """Share of errors."""
        return 1 / self.error_every if self.error_every else 0.0


def regular(beat: Beat, start_ms: int, end_ms: int) -> Traffic:
    """The logs of one service from start to end: every span of whole multiples of the beat holds the same counts."""
    ts_ms = np.arange(start_ms, end_ms, beat.gap_ms, dtype=np.int64)
    number = np.arange(len(ts_ms))
    error = number % beat.error_every == 0 if beat.error_every else np.zeros(len(ts_ms), bool)
    bare = Traffic(
        services=(beat.service,),
        ts_ms=ts_ms,
        service=np.zeros(len(ts_ms), np.int16),
        level=np.zeros(len(ts_ms), np.int16),
        message=np.zeros(len(ts_ms), np.int16),
        start_ms=start_ms,
        end_ms=end_ms,
    )
    return with_errors(bare, np.asarray(error))


def with_errors(traffic: Traffic, error: np.typing.NDArray[np.bool_]) -> Traffic:
    """The same logs, exactly those marked (shape (n,)) as errors."""
    return replace(
        traffic,
        level=np.where(error, _ERROR_LEVEL, _CALM_LEVEL).astype(np.int16),
        message=np.where(error, _ERROR_MESSAGE, _CALM_MESSAGE).astype(np.int16),
    )


def one_stray(traffic: Traffic, from_row: int) -> tuple[Traffic, int]:
    """The first log from that row on that is no error is made one; the traffic, and that row."""
    error = traffic.errors.copy()
    row = from_row + int(np.argmin(error[from_row:]))
    if error[row]:
        raise ValueError(f"every log from row {from_row} on is an error already: none can be a stray one")
    error[row] = True
    return with_errors(traffic, error), row


def risen(traffic: Traffic, from_ms: int, share: float, rng: np.random.Generator) -> Traffic:
    """From a time on each log is an error with that probability, at the same beat."""
    random = rng.random(len(traffic)) < share
    return with_errors(traffic, np.where(traffic.ts_ms >= from_ms, random, traffic.errors))
