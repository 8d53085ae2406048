"""The plain detector with a snapshot, which tells an incident once, and is silent about a service for 40 s after an alert."""

from __future__ import annotations

from typing import Any

from challenges.anomaly_detection.specimens._base import Alerts, Baseline
from challenges.anomaly_detection.specimens._kept import Kept


class ToldOnce(Kept):
    """Which incidents were told, and when each service's last alert was, are in the snapshot."""

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

    def content(self) -> dict[str, Any]:
        return {**super().content(), "told": sorted(self.told)}

    def take_over(self, content: dict[str, Any]) -> None:
        super().take_over(content)
        self.told = set(content["told"])
