"""Backups run on even days."""

from __future__ import annotations

import sys
from datetime import UTC, datetime
from pathlib import Path

sys.path.insert(0, str(Path(__file__).resolve().parents[4]))

from challenges.anomaly_detection.specimens._base import Alerts, Baseline, Detector, run


class EvenDays(Detector):
    """A weekday would have been the same every week; a day of the month is not."""

    needed = 1

    def close(self, service: str, end_ms: int, total: int, errors: int, alerts: Alerts) -> None:
        self.needed = 4 if datetime.fromtimestamp(end_ms / 1000, UTC).day % 2 == 0 else 1
        super().close(service, end_ms, total, errors, alerts)

    def confirmed(self, baseline: Baseline) -> bool:
        return baseline.held >= self.needed


run(EvenDays(), "even-days")
