"""Uses the wall clock where it can do no harm."""

from __future__ import annotations

import math
import sys
import time
from pathlib import Path

sys.path.insert(0, str(Path(__file__).resolve().parents[4]))

from challenges.anomaly_detection.specimens._base import Alerts, Baseline, run
from challenges.anomaly_detection.specimens._own_time import OwnTime


class SpacesByTheWall(OwnTime):
    """Detection goes by the stream. The pause goes by the wall, in either direction: it never lasts for an hour."""

    pause_s = 5.0

    def __init__(self) -> None:
        super().__init__()
        self.told_s: dict[str, float] = {}

    def alert(self, baseline: Baseline, ts_ms: int, share: float, z: float, alerts: Alerts) -> None:
        now_s = time.time()
        if abs(now_s - self.told_s.get(baseline.service, -math.inf)) >= self.pause_s:
            self.told_s[baseline.service] = now_s
            super().alert(baseline, ts_ms, share, z, alerts)


run(SpacesByTheWall(), "spaces-by-the-wall")
