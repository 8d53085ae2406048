"""Snapshots only what is well."""

from __future__ import annotations

import sys
from pathlib import Path
from typing import Any

sys.path.insert(0, str(Path(__file__).resolve().parents[4]))

from challenges.anomaly_detection.specimens._base import run
from challenges.anomaly_detection.specimens._kept import Kept


class SkipsIncidents(Kept):
    """In the middle of an incident there is nothing worth keeping, it thinks."""

    def content(self) -> dict[str, Any]:
        kept = super().content()
        return {**kept, "baselines": [one for one in kept["baselines"] if not one["held"]]}


run(SkipsIncidents(), "skips-incidents")
