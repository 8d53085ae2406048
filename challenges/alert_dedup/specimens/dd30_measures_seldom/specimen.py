"""Measuring costs a round trip."""

from __future__ import annotations

import sys
from pathlib import Path

sys.path.insert(0, str(Path(__file__).resolve().parents[4]))

from challenges.alert_dedup.specimens._base import run
from challenges.alert_dedup.specimens._own_clock import Measured

REST = 12


class MeasuresSeldom(Measured):
    """Clocks do not leap twice in a row."""

    resting = 0

    def look(self) -> None:
        self.resting -= 1
        super().look()

    def leapt(self, by_ms: int) -> None:
        if self.resting <= 0:
            self.resting = REST
            super().leapt(by_ms)


run(MeasuresSeldom(), "measures-seldom")
