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
        if not taken and isinstance(log, dict):
            service, level = log.get("service"), log.get("level")
            if isinstance(service, str) and service and isinstance(level, str) and level in ERROR_LEVELS:
                self.count(max(self.newest_ms, 0), service, True, alerts)
        return taken


run(CountsRefused(), "counts-refused")
