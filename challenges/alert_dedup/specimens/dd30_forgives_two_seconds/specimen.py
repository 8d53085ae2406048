"""Corrects what is worth correcting."""

from __future__ import annotations

import sys
from pathlib import Path

sys.path.insert(0, str(Path(__file__).resolve().parents[4]))

from challenges.alert_dedup.specimens._base import run
from challenges.alert_dedup.specimens._own_clock import Measured

WORTH_MS = 2_000


class ForgivesTwoSeconds(Measured):
    """Small differences are the margin's affair."""

    margin_ms = 1_000

    def at_start(self, ahead_ms: int) -> int:
        return ahead_ms if abs(ahead_ms) > WORTH_MS else 0


run(ForgivesTwoSeconds(), "forgives-two-seconds")
