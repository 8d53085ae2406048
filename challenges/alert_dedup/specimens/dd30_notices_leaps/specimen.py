"""Looks out for leaps."""

from __future__ import annotations

import sys
from pathlib import Path

sys.path.insert(0, str(Path(__file__).resolve().parents[4]))

from challenges.alert_dedup.specimens._base import run
from challenges.alert_dedup.specimens._own_clock import Measured


class NoticesLeaps(Measured):
    """Clocks are right, or leap."""

    margin_ms = 0


run(NoticesLeaps(), "notices-leaps")
