"""Some patience with what creeps up."""

from __future__ import annotations

import sys
from pathlib import Path

sys.path.insert(0, str(Path(__file__).resolve().parents[4]))

from challenges.anomaly_detection.specimens._base import Alerts, Baseline, Detector, run


class RampBelow(Detector):
    """A ramp is anomalous after some 100 s of it, and told of 200 s later."""

    patience_ms = 200_000

    def __init__(self) -> None:
        super().__init__()
        self.shares: dict[str, float] = {}
        self.jumped: dict[str, bool] = {}

    def close(self, service: str, end_ms: int, total: int, errors: int, alerts: Alerts) -> None:
        share, usual = errors / total, self.baselines[service].share if service in self.baselines else 0.0
        risen = share - self.shares.get(service, share)
        self.jumped[service] = risen > 0.5 * (share - usual) > 0 or (self.jumped.get(service, False) and share > 2 * usual)
        self.shares[service] = share
        super().close(service, end_ms, total, errors, alerts)

    def confirmed(self, baseline: Baseline) -> bool:
        waited = baseline.held * self.bucket_ms >= self.patience_ms
        return baseline.held >= 1 and (waited or self.jumped[baseline.service])


run(RampBelow(), "ramp-below")
