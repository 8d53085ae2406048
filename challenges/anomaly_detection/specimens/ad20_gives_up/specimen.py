"""Ten strikes."""

from __future__ import annotations

import sys
from pathlib import Path
from typing import Any

sys.path.insert(0, str(Path(__file__).resolve().parents[4]))

from challenges.anomaly_detection.specimens._base import Detector, run


class GivesUp(Detector):
    """Somebody must be made to notice."""

    most_refused = 10
    refused = 0

    def read(self, log: Any, now_ms: float) -> tuple[int, str, bool] | None:
        read = super().read(log, now_ms) if self.refused < self.most_refused else None
        self.refused += read is None
        return read


run(GivesUp(), "gives-up")
