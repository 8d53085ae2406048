"""The rest may be on its way, but not for long."""

from __future__ import annotations

import sys
import time
from pathlib import Path
from typing import Any

sys.path.insert(0, str(Path(__file__).resolve().parents[4]))

from challenges.anomaly_detection.specimens._base import run
from challenges.anomaly_detection.specimens._kept import Kept


class Waits800Ms(Kept):
    """A file is empty for a moment while it is being written."""

    wait_s = 0.8

    def read_state(self, state: Any) -> Any:
        if state == "":
            time.sleep(self.wait_s)
        return super().read_state(state)


run(Waits800Ms(), "waits-800-ms")
