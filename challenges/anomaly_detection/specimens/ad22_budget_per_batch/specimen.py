"""A megabyte is enough."""

from __future__ import annotations

import sys
from pathlib import Path
from typing import Any

sys.path.insert(0, str(Path(__file__).resolve().parents[4]))

from challenges.anomaly_detection.specimens._base import Detector, run


class BudgetPerBatch(Detector):
    """The limit is looked at before each log, so that the one that breaks it still gets in."""

    most_characters = 1_000_000
    characters = 0

    def ingest(self, params: dict[str, Any]) -> dict[str, Any]:
        self.characters = 0
        return super().ingest(params)

    def read(self, log: Any, now_ms: float) -> tuple[int, str, bool] | None:
        if self.characters > self.most_characters:
            return None
        message = log.get("message") if isinstance(log, dict) else None
        self.characters += len(message) if isinstance(message, str) else 0
        return super().read(log, now_ms)


run(BudgetPerBatch(), "budget-per-batch")
