"""Accepts a log from next year, without letting it set the time."""

from __future__ import annotations

import sys
from pathlib import Path
from typing import Any

sys.path.insert(0, str(Path(__file__).resolve().parents[4]))

from challenges.anomaly_detection.specimens._base import Alerts, Detector, run


class KeepsTheFuture(Detector):
    """What is far ahead is counted where it belongs and waits there."""

    def take(self, log: Any, now_ms: float, alerts: Alerts) -> bool:
        if super().take(log, now_ms, alerts):
            return True
        ahead = self.read(log, float("inf"))
        if ahead is None or not now_ms < ahead[0] < 2**53:
            return False
        self.count(*ahead, alerts)
        return True


run(KeepsTheFuture(), "keeps-the-future")
