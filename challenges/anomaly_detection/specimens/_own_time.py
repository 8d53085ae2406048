"""The plain detector with a time of its own, taken from the logs: what its host's clock says does not matter to it."""

from __future__ import annotations

from typing import Any

from challenges.anomaly_detection.specimens._base import AHEAD_MS, Alerts, Detector

TICK_MS = 1_000


class OwnTime(Detector):
    """A log is believed if it lies near the logs before it; ticks without logs between them are a second each."""

    idle_ticks = 0
    heard_ms = -1

    def believable(self, ts_ms: float, now_ms: float) -> bool:
        newest = self.newest_ms if self.newest_ms >= 0 else ts_ms
        return 0 <= ts_ms <= newest + AHEAD_MS

    def tick(self, params: dict[str, Any]) -> dict[str, Any]:
        alerts: Alerts = []
        self.idle_ticks = self.idle_ticks + 1 if self.newest_ms == self.heard_ms else 0
        self.heard_ms = self.newest_ms
        self.advance(self.newest_ms + self.idle_ticks * TICK_MS, alerts)
        return {"alerts": alerts}
