"""Names are words."""

from __future__ import annotations

import sys
from pathlib import Path

sys.path.insert(0, str(Path(__file__).resolve().parents[4]))

from challenges.anomaly_detection.specimens._base import Alerts, Detector, run


class PlainNames(Detector):
    """What cannot be typed cannot be looked up."""

    def count(self, ts_ms: int, service: str, error: bool, alerts: Alerts) -> None:
        if service.isascii():
            super().count(ts_ms, service, error, alerts)


run(PlainNames(), "plain-names")
