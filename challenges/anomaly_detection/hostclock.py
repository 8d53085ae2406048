"""The host's own clock going wrong under a candidate while the stream goes on, and the proof that it took."""

from __future__ import annotations

from bisect import bisect_right
from collections.abc import Iterable
from dataclasses import dataclass

import numpy as np

from challenges.anomaly_detection.alerts import SeenAlert, check_counts
from challenges.anomaly_detection.detector import Detector
from challenges.anomaly_detection.playback import Step
from harness.runtime.process import ingest_timeout_s
from harness.runtime.trial import Trial

# Names of what the clock is off by, in ms, once it has stepped.
OFFSETS_MS = {"+3 s": 3_000, "-3 s": -3_000, "+1 h": 3_600_000, "-1 h": -3_600_000}
STROBE = "strobe"
CLOCKS = (*OFFSETS_MS, STROBE)
STROBE_EVERY_MS = 400


@dataclass(frozen=True, slots=True)
class HostClock:
    """A clock that is off by so many ms from each of these moments of the stream on: pairs (from_ms, offset_ms), in order."""

    changes: tuple[tuple[int, int], ...] = ()

    def offset_ms(self, at_ms: int) -> int:
        """How far it is ahead of the stream at that moment; right before its first change."""
        place = bisect_right(self.changes, at_ms, key=lambda change: change[0])
        return self.changes[place - 1][1] if place else 0


def stepping(name: str, from_ms: int, to_ms: int, rng: np.random.Generator) -> tuple[tuple[int, int], ...]:
    """The changes of one of CLOCKS: off from `from_ms` on, or thrown about among all offsets and none up to `to_ms`."""
    if name != STROBE:
        return ((from_ms, OFFSETS_MS[name]),)
    choices = (0, *OFFSETS_MS.values())
    times = range(from_ms, to_ms, STROBE_EVERY_MS)
    return tuple((at_ms, choices[pick]) for at_ms, pick in zip(times, rng.integers(0, len(choices), len(times)), strict=True))


class SkewedDetector(Detector):
    """A detector whose host's clock follows `clock`: its wall clock, and `now_ms`, which is its local time too.

    The stream, and so the moment at which an alert is seen, is what it would be under a right clock. How far the own time
    of an alert lags is not checked: who dates alerts by a clock that was falsified is not to blame for the date.
    """

    clock = HostClock()

    @classmethod
    def under(cls, clock: HostClock, trial: Trial, start_ms: int) -> SkewedDetector:
        """A fresh process under that clock. Raises CandidateFailure."""
        made = cls(trial, trial.start(wall_ms=start_ms + clock.offset_ms(start_ms)))
        made.clock = clock
        return made

    def _play_one(self, step: Step) -> list[SeenAlert]:
        local_ms = step.now_ms + self.clock.offset_ms(step.now_ms)
        self.process.set_wall_ms(local_ms)
        self.newest_ms = max(self.newest_ms, step.now_ms)
        said = b'{"now_ms":%d' % local_ms
        params = said + step.params[len(b'{"now_ms":%d' % step.now_ms) :]
        if step.logs:
            result = self.process.request_raw("ingest", params, timeout_s=ingest_timeout_s(step.logs))
            check_counts(result, step.logs)
        else:
            result = self.process.request_raw("tick", params)
        return self._take(result, by_tick=not step.logs) if result.get("alerts") != [] else []


def prove(trial: Trial, offsets_ms: Iterable[int], at_ms: int) -> None:
    """Raises Undecided unless a fresh process, under the same shim, reads each of the shifted clocks.

    A candidate that takes its time from `now_ms` alone needs no proof: what it is told is all that it has.
    """
    if trial.clock_is_virtual:
        return
    for offset_ms in offsets_ms:
        trial.start(wall_ms=at_ms + offset_ms).close()
