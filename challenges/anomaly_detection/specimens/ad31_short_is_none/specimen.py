"""An empty state is a state too."""

from __future__ import annotations

import sys
from pathlib import Path
from typing import Any

sys.path.insert(0, str(Path(__file__).resolve().parents[4]))

from challenges.anomaly_detection.specimens._base import run
from challenges.anomaly_detection.specimens._kept import Kept


class ShortIsNone(Kept):
    """At the very first start there is no state yet, and that is no error."""

    checksum_length = 8

    def read_state(self, state: Any) -> Any:
        if isinstance(state, str) and len(state) <= self.checksum_length:
            return {"baselines": [], "open": [], "newest_ms": -1, "first_open": 0}
        return super().read_state(state)


run(ShortIsNone(), "short-is-none")
