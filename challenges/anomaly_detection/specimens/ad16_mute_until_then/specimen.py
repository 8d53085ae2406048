"""A pause by the wall."""

from __future__ import annotations

import sys
from pathlib import Path

sys.path.insert(0, str(Path(__file__).resolve().parents[4]))

import math
import time

from challenges.anomaly_detection.specimens._base import Alerts, Baseline, run
from challenges.anomaly_detection.specimens._own_time import OwnTime


class MuteUntilThen(OwnTime):
    """Detection goes by the stream, the pause by the wall."""

    pause_s = 15.0

    def __init__(self) -> None:
        super().__init__()
        self.told_s: dict[str, float] = {}

    def alert(self, baseline: Baseline, ts_ms: int, share: float, z: float, alerts: Alerts) -> None:
        now_s = time.time()
        if now_s - self.told_s.get(baseline.service, -math.inf) >= self.pause_s:
            self.told_s[baseline.service] = now_s
            super().alert(baseline, ts_ms, share, z, alerts)


run(MuteUntilThen(), "mute-until-then")
