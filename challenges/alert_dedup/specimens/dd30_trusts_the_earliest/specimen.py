"""Clocks run ahead, they do not lag."""

from __future__ import annotations

import sys
from pathlib import Path

sys.path.insert(0, str(Path(__file__).resolve().parents[4]))

from challenges.alert_dedup.specimens._base import run
from challenges.alert_dedup.specimens._own_clock import Measured

FAR_MS = 2_500


class TrustsTheEarliest(Measured):
    """Whoever is that far behind must be right."""

    def at_start(self, ahead_ms: int) -> int:
        return ahead_ms if ahead_ms > -FAR_MS else 0


run(TrustsTheEarliest(), "trusts-the-earliest")
