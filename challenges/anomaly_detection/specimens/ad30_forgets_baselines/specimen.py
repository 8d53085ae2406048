"""Keeps the counters, not what they count towards."""

from __future__ import annotations

import sys
from pathlib import Path
from typing import Any

sys.path.insert(0, str(Path(__file__).resolve().parents[4]))

from challenges.anomaly_detection.specimens._base import run
from challenges.anomaly_detection.specimens._kept import Kept


class ForgetsBaselines(Kept):
    """A field was added to the baseline and not to the snapshot."""

    def content(self) -> dict[str, Any]:
        kept = super().content()
        return {**kept, "baselines": [{**one, "share": 0.0} for one in kept["baselines"]]}


run(ForgetsBaselines(), "forgets-baselines")
