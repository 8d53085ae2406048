"""As often as may be."""

from __future__ import annotations

import sys
from pathlib import Path

sys.path.insert(0, str(Path(__file__).resolve().parents[4]))

from challenges.anomaly_detection.specimens._base import run
from challenges.anomaly_detection.specimens._late import Late


class Every10S(Late):
    """Buckets of one second, so that 10 s are 10 s."""

    repeat_ms = 10_000


run(Every10S(), "every-10-s")
