"""More traffic is told, as what it is."""

from __future__ import annotations

import math
import sys
from pathlib import Path

sys.path.insert(0, str(Path(__file__).resolve().parents[4]))

from challenges.anomaly_detection.specimens._base import Alerts, Detector, run


class TellsVolume(Detector):
    """Beside the share of errors it follows the number of logs in a bucket."""

    def __init__(self) -> None:
        super().__init__()
        self.totals: dict[str, tuple[int, float]] = {}

    def close(self, service: str, end_ms: int, total: int, errors: int, alerts: Alerts) -> None:
        seen, usual = self.totals.get(service, (0, float(total)))
        z = (total - usual) / math.sqrt(max(usual, 1.0))
        if seen >= self.warmup_buckets and z >= self.threshold_z:
            alerts.append(
                {
                    "ts_ms": end_ms,
                    "service": service,
                    "kind": "volume",
                    "severity": "low",
                    "score": round(min(z, 1_000.0), 3),
                    "message": f"{total} logs in {self.bucket_ms // 1000} s, usually {usual:.0f}",
                }
            )
        self.totals[service] = seen + 1, usual + (total - usual) * max(self.alpha, 1 / (seen + 1))
        super().close(service, end_ms, total, errors, alerts)


run(TellsVolume(), "tells-volume")
