"""Clears the table before it looks at the meal."""

from __future__ import annotations

import sys
from pathlib import Path
from typing import Any

sys.path.insert(0, str(Path(__file__).resolve().parents[4]))

from challenges.anomaly_detection.specimens._base import run
from challenges.anomaly_detection.specimens._kept import Kept


class StaysStunned(Kept):
    """No bucket is open while a state is being read; after a refusal none is ever opened again."""

    def restore(self, params: dict[str, Any]) -> dict[str, Any]:
        self.first_open = 2**53
        return super().restore(params)


run(StaysStunned(), "stays-stunned")
