"""A measurement is good for a second."""

from __future__ import annotations

import sys
from pathlib import Path

sys.path.insert(0, str(Path(__file__).resolve().parents[4]))

from candidates.sdk.python.harness_sdk import now_ms
from challenges.alert_dedup.specimens._base import run
from challenges.alert_dedup.specimens._own_clock import Measured

GOOD_MS = 1_000
MOST_STEPS = 2


class AgeByTheWall(Measured):
    """Nothing is older than it looks."""

    measured_ms = 0
    steps_back = 0

    def look(self) -> None:
        self.steps_back += now_ms() < self.last_ms
        self.last_ms = now_ms()
        if self.last_ms - self.measured_ms > GOOD_MS or self.steps_back >= MOST_STEPS:
            self.measured_ms = self.last_ms
            self.leapt(0)


run(AgeByTheWall(), "age-by-the-wall")
