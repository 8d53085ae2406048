"""What is not known to be harmless is an error."""

from __future__ import annotations

import sys
from pathlib import Path
from typing import Any

sys.path.insert(0, str(Path(__file__).resolve().parents[4]))

from challenges.anomaly_detection.specimens._base import Detector, run

HARMLESS = frozenset({"debug", "info", "warn"})


class UnknownIsError(Detector):
    """Safe is safe."""

    def read(self, log: Any, now_ms: float) -> tuple[int, str, bool] | None:
        read = super().read(log, now_ms)
        return None if read is None else (read[0], read[1], log["level"].lower() not in HARMLESS)


run(UnknownIsError(), "unknown-is-error")
