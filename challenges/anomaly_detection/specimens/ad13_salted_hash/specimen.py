"""Samples by a hash that is another one in each process."""

from __future__ import annotations

import sys
from pathlib import Path

sys.path.insert(0, str(Path(__file__).resolve().parents[4]))

from challenges.anomaly_detection.specimens._base import Alerts, Detector, run


class SaltedHash(Detector):
    """No generator, no clock: and yet never the same twice."""

    def count(self, ts_ms: int, service: str, error: bool, alerts: Alerts) -> None:
        if hash(f"{service}{ts_ms}{error}") % 2:
            super().count(ts_ms, service, error, alerts)


run(SaltedHash(), "salted-hash")
