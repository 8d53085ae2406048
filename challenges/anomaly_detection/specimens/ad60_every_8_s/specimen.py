"""A little too often."""

from __future__ import annotations

import sys
from pathlib import Path

sys.path.insert(0, str(Path(__file__).resolve().parents[4]))

from challenges.anomaly_detection.specimens._base import run
from challenges.anomaly_detection.specimens._late import Late


class Every8S(Late):
    """Buckets of one second, so that 8 s are 8 s."""

    repeat_ms = 8_000


run(Every8S(), "every-8-s")
