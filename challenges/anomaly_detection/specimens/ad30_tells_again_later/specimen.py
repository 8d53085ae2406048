"""The state of the alerts, but not all of it."""

from __future__ import annotations

import sys
from pathlib import Path
from typing import Any

sys.path.insert(0, str(Path(__file__).resolve().parents[4]))

from challenges.anomaly_detection.specimens._base import run
from challenges.anomaly_detection.specimens._told_once import ToldOnce


class TellsAgainLater(ToldOnce):
    """When the last alert was is enough to know."""

    def content(self) -> dict[str, Any]:
        return {**super().content(), "told": []}


run(TellsAgainLater(), "tells-again-later")
