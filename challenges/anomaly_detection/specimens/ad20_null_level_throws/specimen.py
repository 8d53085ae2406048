"""Trusts that a level is a string."""

from __future__ import annotations

import sys
from pathlib import Path
from typing import Any

sys.path.insert(0, str(Path(__file__).resolve().parents[4]))

from challenges.anomaly_detection.specimens._base import Detector, run


class NullLevelThrows(Detector):
    """One check is missing: null has no lower()."""

    def read(self, log: Any, now_ms: float) -> tuple[int, str, bool] | None:
        if isinstance(log, dict) and log.get("service"):
            log = {**log, "level": log["level"].lower()}
        return super().read(log, now_ms)


run(NullLevelThrows(), "null-level-throws")
