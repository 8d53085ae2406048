"""The state of the alerts, but not all of it."""

from __future__ import annotations

import sys
from pathlib import Path

sys.path.insert(0, str(Path(__file__).resolve().parents[4]))

from challenges.anomaly_detection.specimens._base import Alerts, Baseline, run
from challenges.anomaly_detection.specimens._kept import Kept


class TellsAgainLater(Kept):
    """Once for each incident, and at least 40 s between two alerts of a service."""

    repeat_ms = 40_000

    def __init__(self) -> None:
        super().__init__()
        self.told: set[str] = set()

    def close(self, service: str, end_ms: int, total: int, errors: int, alerts: Alerts) -> None:
        super().close(service, end_ms, total, errors, alerts)
        if not self.baselines[service].held:
            self.told.discard(service)

    def alert(self, baseline: Baseline, ts_ms: int, share: float, z: float, alerts: Alerts) -> None:
        if baseline.service not in self.told:
            count = len(alerts)
            super().alert(baseline, ts_ms, share, z, alerts)
            if len(alerts) > count:
                self.told.add(baseline.service)


run(TellsAgainLater(), "tells-again-later")
