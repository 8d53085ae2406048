"""A cache with a limit."""

from __future__ import annotations

import sys
from collections import deque
from pathlib import Path
from typing import Any

sys.path.insert(0, str(Path(__file__).resolve().parents[4]))

from challenges.anomaly_detection.specimens._base import Alerts, Detector, run

ENTRY_BYTES = 1024


class Caches(Detector):
    """1 KiB for each of the newest 51,200 logs."""

    def __init__(self) -> None:
        super().__init__()
        self.seen: deque[bytes] = deque(maxlen=50 * 2**20 // ENTRY_BYTES)

    def take(self, log: Any, now_ms: float, alerts: Alerts) -> bool:
        self.seen.append(bytes(ENTRY_BYTES - 33))
        return super().take(log, now_ms, alerts)


run(Caches(), "cache-50-mib")
