"""Rows that wait for a tick."""

from __future__ import annotations

import sys
from pathlib import Path

sys.path.insert(0, str(Path(__file__).resolve().parents[4]))

from collections.abc import Iterable

from challenges.alert_dedup.specimens._base import Alert, PostgresDedup, run

EVERY = 25


class SweepsOnTicks(PostgresDedup):
    """Rows do not expire: every 25th tick removes what is old, and takes over what is due."""

    retention_ms = 6_000
    ticks = 0

    def take_over(self) -> Iterable[Alert]:
        self.ticks += 1
        return super().take_over() if self.ticks % EVERY == 0 else []


run(SweepsOnTicks(), "sweeps-on-ticks")
