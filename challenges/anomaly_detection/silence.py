"""How long after a permanent shift the alerts about it end. Pure functions of the times at which alerts were seen."""

from __future__ import annotations

import math
from collections.abc import Sequence

# So long without an alert means that it is over; who reminds an operator less often than this is taken to be silent.
CALM_MS = 600_000
FLOOR_MS = 60_000
MOST_GROWTH = 1.5


def time_to_silence(seen_ms: Sequence[int], shift_ms: int, limit_ms: int, now_ms: int) -> float | None:
    """Milliseconds from the shift to the last alert before the first 10 min without one; 0 if there was none.

    Infinite where an alert of that episode came more than `limit_ms` after the shift; None where neither has been seen by
    `now_ms`. The alerts are in order of time; those before the shift do not count.
    """
    last_ms = shift_ms
    for alert_ms in seen_ms:
        if alert_ms < shift_ms:
            continue
        if alert_ms - last_ms >= CALM_MS:
            break
        last_ms = alert_ms
        if last_ms - shift_ms > limit_ms:
            return math.inf
    else:
        if now_ms - last_ms < CALM_MS:
            return None
    return last_ms - shift_ms


def growth(young_ms: float, old_ms: float) -> float:
    """How much longer the old one takes to fall silent: (old + 60 s) / (young + 60 s)."""
    return (old_ms + FLOOR_MS) / (young_ms + FLOOR_MS)
