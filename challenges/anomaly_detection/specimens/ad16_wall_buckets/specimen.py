"""Buckets end when the system's clock says so."""

from __future__ import annotations

import sys
import time
from pathlib import Path

sys.path.insert(0, str(Path(__file__).resolve().parents[4]))

from challenges.anomaly_detection.specimens._base import Alerts, run
from challenges.anomaly_detection.specimens._own_time import OwnTime


class WallBuckets(OwnTime):
    """The logs carry their time, but the clock on the wall is nearer."""

    def advance(self, to_ms: int, alerts: Alerts) -> None:
        super().advance(int(time.time() * 1000), alerts)


run(WallBuckets(), "wall-buckets")
