"""What was once seen is never let go."""

from __future__ import annotations

import sys
from pathlib import Path
from typing import Any

sys.path.insert(0, str(Path(__file__).resolve().parents[4]))

from challenges.anomaly_detection.specimens._base import Alerts, Detector, run


class Leaks(Detector):
    """200 bytes a log, on a heap that only grows."""

    def __init__(self) -> None:
        super().__init__()
        self.seen: list[bytes] = []

    def take(self, log: Any, now_ms: float, alerts: Alerts) -> bool:
        self.seen.append(bytes(200 - 33))  # a bytes object has 33 bytes of its own
        return super().take(log, now_ms, alerts)


run(Leaks(), "leaks")
