"""Enough of that."""

from __future__ import annotations

import sys
from pathlib import Path

sys.path.insert(0, str(Path(__file__).resolve().parents[4]))

from challenges.anomaly_detection.specimens._base import Alerts, Baseline, Detector, run


class MutesTheShifted(Detector):
    """Whoever alerts for ten minutes is only making noise."""

    def __init__(self) -> None:
        super().__init__()
        self.muted: set[str] = set()

    def learn(self, baseline: Baseline, share: float) -> None:
        if baseline.held >= self.relearn_buckets:
            self.muted.add(baseline.service)
        super().learn(baseline, share)

    def alert(self, baseline: Baseline, ts_ms: int, share: float, z: float, alerts: Alerts) -> None:
        if baseline.service not in self.muted:
            super().alert(baseline, ts_ms, share, z, alerts)


run(MutesTheShifted(), "mutes-the-shifted")
