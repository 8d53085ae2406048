"""Clocks lag, they do not lead."""

from __future__ import annotations

import sys
from pathlib import Path

sys.path.insert(0, str(Path(__file__).resolve().parents[4]))

from challenges.alert_dedup.specimens._base import run
from challenges.alert_dedup.specimens._own_clock import Measured

FAR_MS = 2_500


class TrustsTheLatest(Measured):
    """Whoever is that far ahead must know something."""

    def at_start(self, ahead_ms: int) -> int:
        return ahead_ms if ahead_ms < FAR_MS else 0


run(TrustsTheLatest(), "trusts-the-latest")
