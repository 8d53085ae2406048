"""Not worth keeping yet."""

from __future__ import annotations

import sys
from pathlib import Path
from typing import Any

sys.path.insert(0, str(Path(__file__).resolve().parents[4]))

from challenges.anomaly_detection.specimens._base import run
from challenges.anomaly_detection.specimens._kept import Kept


class SkipsNewcomers(Kept):
    """Half a baseline is none."""

    def content(self) -> dict[str, Any]:
        kept = super().content()
        return {**kept, "baselines": [one for one in kept["baselines"] if one["seen"] >= self.warmup_buckets]}


run(SkipsNewcomers(), "skips-newcomers")
