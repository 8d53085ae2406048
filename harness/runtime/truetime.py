"""True time of a run: one monotonic clock, and what of it was skipped.

In virtual time a wait is skipped: every wall clock of the run (processes and store) is moved ahead by the same amount, so that a
window of 5 s costs microseconds. In real time nothing is skipped. All times in nanoseconds unless the name says otherwise.
"""

from __future__ import annotations

import time
from bisect import bisect_right


class TrueTime:
    """See the module. `epoch_ms` is what a clock without skew reads at the start of the run."""

    def __init__(self, *, real: bool, epoch_ms: float) -> None:
        self.real = real
        self._began_ns = time.monotonic_ns()
        self._base_ns = int(epoch_ms * 1_000_000) - time.time_ns()
        self.epoch_ms = epoch_ms
        self._skips: list[tuple[int, int]] = [(0, 0)]

    @property
    def skipped_ns(self) -> int:
        """All that was skipped so far."""
        return self._skips[-1][1]

    def now_ns(self) -> int:
        """True time since the start."""
        return self.at_ns(time.monotonic_ns())

    def at_ns(self, monotonic_ns: int) -> int:
        """True time of a moment that the loop stamped, now or earlier."""
        last_ns, skipped_ns = self._skips[-1]
        if monotonic_ns < last_ns:
            skipped_ns = self._skips[bisect_right(self._skips, monotonic_ns, key=lambda skip: skip[0]) - 1][1]
        return monotonic_ns - self._began_ns + skipped_ns

    def skip_ns(self, amount_ns: int) -> None:
        """Lets true time jump ahead. Raises ValueError in real time, and for a step back."""
        if self.real or amount_ns < 0:
            raise ValueError(f"{amount_ns} ns cannot be skipped{' in real time' if self.real else ''}")
        self._skips.append((time.monotonic_ns(), self.skipped_ns + amount_ns))

    def offset_ns(self, skew_ns: int = 0) -> int:
        """What a wall clock that is off by `skew_ns` has to add to the real time."""
        return self._base_ns + self.skipped_ns + skew_ns

    def wall_ms(self, skew_ns: int = 0) -> float:
        """What such a clock reads now, in epoch ms."""
        return (time.time_ns() + self.offset_ns(skew_ns)) / 1e6
