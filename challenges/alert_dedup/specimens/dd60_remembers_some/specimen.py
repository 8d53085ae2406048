"""A memory with an end."""

from __future__ import annotations

import sys
from pathlib import Path

sys.path.insert(0, str(Path(__file__).resolve().parents[4]))

from array import array
from collections import deque

from challenges.alert_dedup.specimens._base import Alert, Params, ValkeyDedup, run

NUMBERS = 10_000  # of eight bytes, for one event
MOST = 400  # events: 32 MB


class RemembersSome(ValkeyDedup):
    """Keeps a table of numbers for each of the last events that it saw."""

    retention_ms = 6_000

    def __init__(self) -> None:
        self.seen: deque[array[float]] = deque(maxlen=MOST)

    def decide(self, alert: Alert, params: Params) -> str:
        self.seen.append(array("d", range(NUMBERS)))
        return super().decide(alert, params)


run(RemembersSome(), "remembers-some")
