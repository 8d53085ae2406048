"""Counts first, looks at the time later."""

from __future__ import annotations

import sys
from pathlib import Path
from typing import Any

sys.path.insert(0, str(Path(__file__).resolve().parents[4]))

from challenges.anomaly_detection.specimens._base import ERROR_LEVELS, Alerts, Detector, run


class CountsRefused(Detector):
    """An error is an error, even where it cannot be said when it was."""

    def take(self, log: Any, now_ms: float, alerts: Alerts) -> bool:
        taken = super().take(log, now_ms, alerts)
        if not taken and isinstance(log, dict) and log.get("level") in ERROR_LEVELS:
            service = log.get("service")
            if isinstance(service, str) and service and self.newest_ms >= 0:
                self.count(self.newest_ms, service, True, alerts)
        return taken


run(CountsRefused(), "counts-refused")
