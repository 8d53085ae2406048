"""Who is silent longest goes first."""

from __future__ import annotations

import sys
from pathlib import Path

sys.path.insert(0, str(Path(__file__).resolve().parents[4]))

from challenges.anomaly_detection.specimens._base import Alerts, Detector, run

MOST = 20_000


class OldestGoes(Detector):
    """Baselines in the order in which their services were last heard."""

    def close(self, service: str, end_ms: int, total: int, errors: int, alerts: Alerts) -> None:
        known = self.baselines.pop(service, None)
        if known is not None:
            self.baselines[service] = known
        super().close(service, end_ms, total, errors, alerts)
        if len(self.baselines) > MOST:
            del self.baselines[next(iter(self.baselines))]


run(OldestGoes(), "oldest-goes")
