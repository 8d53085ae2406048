"""An alert is dated when it is raised."""

from __future__ import annotations

import sys
import time
from pathlib import Path

sys.path.insert(0, str(Path(__file__).resolve().parents[4]))

from challenges.anomaly_detection.specimens._base import Alerts, Baseline, run
from challenges.anomaly_detection.specimens._own_time import OwnTime


class DatesByTheWall(OwnTime):
    """Detection and pauses go by the stream; the date of an alert, and the one in its message, is the time of day."""

    def alert(self, baseline: Baseline, ts_ms: int, share: float, z: float, alerts: Alerts) -> None:
        told = len(alerts)
        super().alert(baseline, ts_ms, share, z, alerts)
        for alert in alerts[told:]:
            now_s = time.time()
            alert["ts_ms"] = now_s * 1000
            alert["message"] += f", raised at {now_s:.6f}"


run(DatesByTheWall(), "dates-by-the-wall")
