"""Keeps what it knows, loses what it is just counting."""

from __future__ import annotations

import sys
from pathlib import Path
from typing import Any

sys.path.insert(0, str(Path(__file__).resolve().parents[4]))

from challenges.anomaly_detection.specimens._base import run
from challenges.anomaly_detection.specimens._kept import Kept


class DropsOpenBucket(Kept):
    """The open buckets fill again soon enough."""

    def content(self) -> dict[str, Any]:
        return {**super().content(), "open": []}


run(DropsOpenBucket(), "drops-open-bucket")
