"""A label that means nothing, before what does."""

from __future__ import annotations

import sys
from pathlib import Path
from typing import Any

sys.path.insert(0, str(Path(__file__).resolve().parents[4]))

from challenges.anomaly_detection.specimens._base import run
from challenges.anomaly_detection.specimens._kept import Kept

LABEL = "state of the detector, written by itself, for nobody else to change, kept until the next start "


class IgnoresTheLabel(Kept):
    """As many characters as the label has are skipped, whatever they are."""

    def snapshot(self, params: dict[str, Any]) -> dict[str, Any]:
        return {"state": LABEL + super().snapshot(params)["state"]}

    def read_state(self, state: Any) -> Any:
        return super().read_state(state[len(LABEL) :] if isinstance(state, str) else state)


run(IgnoresTheLabel(), "ignores-the-label")
