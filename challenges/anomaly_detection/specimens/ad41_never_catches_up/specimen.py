"""Once it has fallen behind, it falls behind further."""

from __future__ import annotations

import sys
import time
from pathlib import Path
from typing import Any

sys.path.insert(0, str(Path(__file__).resolve().parents[4]))

from challenges.anomaly_detection.specimens._base import Detector, run


class NeverCatchesUp(Detector):
    """After a second with more than 5,000 logs each log takes 2 ms more, for good."""

    crowd = 5_000
    penalty_s = 0.002
    second = 0
    in_second = 0
    jammed = False

    def ingest(self, params: dict[str, Any]) -> dict[str, Any]:
        logs = params["logs"]
        if len(logs) == 1:
            second = int(params["now_ms"]) // 1000
            self.in_second = self.in_second + 1 if second == self.second else 1
            self.second = second
            self.jammed = self.jammed or self.in_second > self.crowd
            if self.jammed:
                time.sleep(self.penalty_s)
        return super().ingest(params)


run(NeverCatchesUp(), "never-catches-up")
