"""A snapshot without the state of the alerts."""

from __future__ import annotations

import sys
from pathlib import Path

sys.path.insert(0, str(Path(__file__).resolve().parents[4]))

from challenges.anomaly_detection.specimens._base import Alerts, run
from challenges.anomaly_detection.specimens._kept import Kept


class TellsAgain(Kept):
    """With buckets of 20 s the second telling comes long enough after the first to be one of its own."""

    bucket_ms = 20_000
    warmup_buckets = 6

    def __init__(self) -> None:
        super().__init__()
        self.told: set[str] = set()

    def close(self, service: str, end_ms: int, total: int, errors: int, alerts: Alerts) -> None:
        found: Alerts = []
        super().close(service, end_ms, total, errors, found)
        if service not in self.told:
            alerts += found
        if found:
            self.told.add(service)
        elif not self.baselines[service].held:
            self.told.discard(service)


run(TellsAgain(), "tells-again")
