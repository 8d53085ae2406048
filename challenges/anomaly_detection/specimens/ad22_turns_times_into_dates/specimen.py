"""Every time is a date."""

from __future__ import annotations

import sys
from datetime import UTC, datetime
from pathlib import Path

sys.path.insert(0, str(Path(__file__).resolve().parents[4]))

from challenges.anomaly_detection.specimens._base import Detector, run


class TurnsTimesIntoDates(Detector):
    """The calendar ends somewhere."""

    def believable(self, ts_ms: float, now_ms: float) -> bool:
        return datetime.fromtimestamp(ts_ms / 1000, UTC).year >= 1970 and super().believable(ts_ms, now_ms)


run(TurnsTimesIntoDates(), "turns-times-into-dates")
