"""Trusts that a level is a string, and that nothing is ever thrown."""

from __future__ import annotations

import sys
from pathlib import Path
from typing import Any

sys.path.insert(0, str(Path(__file__).resolve().parents[4]))

from challenges.anomaly_detection.specimens._base import Detector, run


class NullLevelJams(Detector):
    """Two checks are missing: null has no lower(), and the flag is not taken back when something goes wrong."""

    busy = False

    def ingest(self, params: dict[str, Any]) -> dict[str, Any]:
        if self.busy:
            return {"accepted": len(params["logs"]), "rejected": 0, "alerts": []}
        self.busy = True
        result = super().ingest(params)
        self.busy = False
        return result

    def read(self, log: Any, now_ms: float) -> tuple[int, str, bool] | None:
        if isinstance(log, dict) and log.get("service"):
            log = {**log, "level": log["level"].lower()}
        return super().read(log, now_ms)


run(NullLevelJams(), "null-level-jams")
