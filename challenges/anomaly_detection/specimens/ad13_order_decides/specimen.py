"""A lottery with a fixed seed."""

from __future__ import annotations

import sys
from pathlib import Path
from zlib import crc32

sys.path.insert(0, str(Path(__file__).resolve().parents[4]))

from challenges.anomaly_detection.specimens._base import Alerts, Baseline, Detector, run


class OrderDecides(Detector):
    """Random enough, and yet reproducible, it thought."""

    one_in = 4
    checksum = 0

    def count(self, ts_ms: int, service: str, error: bool, alerts: Alerts) -> None:
        self.checksum = crc32(f"{service} {error}".encode(), self.checksum)
        super().count(ts_ms, service, error, alerts)

    def z(self, baseline: Baseline, share: float, total: int) -> float:
        return super().z(baseline, share, total) if self.checksum % self.one_in == 0 else 0.0


run(OrderDecides(), "order-decides")
