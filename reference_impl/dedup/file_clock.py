"""The time of a store that has no server: a clock that is kept in the store, and moved on by whoever looks at it.

Processors' wall clocks disagree by seconds, and step. How much time has *passed* they agree on. So nobody's reading of the time goes
in, only how much of it went by since somebody last looked: by the monotonic clock, which all processes of one machine share, and
which is written down with the time. What that does not count (the machine slept) shows in how far the looker's own wall clock has
moved since its own last look, and is believed up to a limit, and not before it is more than clocks are off by for other reasons: they
run fast, smoothly or in small steps. The clock never goes back.
"""

import threading
import time
from collections.abc import Callable
from pathlib import Path

import msgspec

STEP_MS = 1000.0
"""A wall clock further ahead than this, since its last reading, was set; processors look several times a second."""
DRIFT = 0.06
"""Of the time that goes by: a wall clock that gains no more than this runs fast."""
SLACK_MS = 20.0
"""By how much a wall clock may be ahead of that, over all looks, before it is believed: a fast one may be corrected in small steps."""
WRITE_MS = 10.0
"""How much time the monotonic clock has to have missed before the store is told at once."""

_BOOT_ID = Path("/proc/sys/kernel/random/boot_id")


class Written(msgspec.Struct, frozen=True):
    """The clock as it stands in the store: the time, and the monotonic time of that look, of one boot of the machine."""

    now_ms: float
    monotonic_ms: float
    boot: str


class Look(msgspec.Struct, frozen=True):
    """What a look gives: the clock as it should stand now, and whether the store has to be told."""

    clock: Written
    tell: bool


class FileClock:
    """One process's part in it. Thread-safe. `wall_ms` and `monotonic_ms` read this machine's clocks."""

    def __init__(
        self,
        wall_ms: Callable[[], float] = lambda: time.time() * 1000,
        monotonic_ms: Callable[[], float] = lambda: time.monotonic() * 1000,
        boot: str | None = None,
    ) -> None:
        self._wall_ms, self._monotonic_ms = wall_ms, monotonic_ms
        self._boot = _boot_id() if boot is None else boot
        self._lock = threading.Lock()
        self._last: tuple[float, float, float] | None = None
        self._ahead_ms = 0.0

    def look(self, written: Written | None) -> Look:
        """The time, given what stands in the store (None: nothing yet)."""
        with self._lock:
            wall_ms, monotonic_ms = self._wall_ms(), self._monotonic_ms()
            by_store = self._by_store(written, monotonic_ms)
            now_ms = max(
                (ms for ms in (by_store, self._by_own(wall_ms, monotonic_ms)) if ms is not None),
                default=wall_ms,
            )
            self._last = (wall_ms, monotonic_ms, now_ms)
        tell = written is None or by_store is None or written.boot != self._boot or now_ms - by_store > WRITE_MS
        return Look(Written(now_ms, monotonic_ms, self._boot), tell)

    def _by_store(self, written: Written | None, monotonic_ms: float) -> float | None:
        if written is None:
            return None
        # After a restart of the machine nobody knows how long it was away: the clock goes on from where it stood.
        passed_ms = monotonic_ms - written.monotonic_ms if written.boot == self._boot else 0.0
        return written.now_ms + max(passed_ms, 0.0)

    def _by_own(self, wall_ms: float, monotonic_ms: float) -> float | None:
        if self._last is None:
            return None
        last_wall_ms, last_monotonic_ms, last_now_ms = self._last
        passed_ms, self._ahead_ms = passed(self._ahead_ms, wall_ms - last_wall_ms, monotonic_ms - last_monotonic_ms)
        return last_now_ms + passed_ms


def passed(ahead_ms: float, wall_ms: float, monotonic_ms: float) -> tuple[float, float]:
    """How much time went by, where the wall clock moved on by the one amount and the monotonic clock by the other; and by how much the
    wall clock is ahead then, of what it may be and of what it was believed. `ahead_ms`: the same of the last look.
    """
    gained_ms = wall_ms - monotonic_ms
    if abs(gained_ms) > STEP_MS:
        gained_ms = 0.0
    gained_ms += ahead_ms
    ahead_ms = max(gained_ms - DRIFT * monotonic_ms, 0.0)
    return (monotonic_ms, ahead_ms) if ahead_ms <= SLACK_MS else (monotonic_ms + gained_ms, 0.0)


def _boot_id() -> str:
    try:
        return _BOOT_ID.read_text().strip()
    except OSError:
        return ""
