"""Much is said, at the pace that is allowed."""

from __future__ import annotations

import sys
from pathlib import Path

sys.path.insert(0, str(Path(__file__).resolve().parents[4]))

from challenges.anomaly_detection.specimens._base import Alerts, Baseline, Detector, run


class TwoKinds(Detector):
    """Every alert comes twice, the second time as another kind."""

    def alert(self, baseline: Baseline, ts_ms: int, share: float, z: float, alerts: Alerts) -> None:
        before = len(alerts)
        super().alert(baseline, ts_ms, share, z, alerts)
        alerts += [{**alert, "kind": "rate_of_change"} for alert in alerts[before:]]


run(TwoKinds(), "two-kinds")
