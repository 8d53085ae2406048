"""Takes everything, never alerts."""

from __future__ import annotations

import sys
from pathlib import Path

sys.path.insert(0, str(Path(__file__).resolve().parents[4]))

from challenges.anomaly_detection.specimens._base import Alerts, Detector, run


class Silent(Detector):
    """No bucket is ever closed."""

    def advance(self, to_ms: int, alerts: Alerts) -> None:
        return


run(Silent(), "silent")
