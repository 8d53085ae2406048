"""A queue that holds alerts for a while."""

from __future__ import annotations

import sys
from pathlib import Path

sys.path.insert(0, str(Path(__file__).resolve().parents[4]))

from challenges.anomaly_detection.specimens._base import run
from challenges.anomaly_detection.specimens._late import Late


class DelayBelow(Late):
    """Some 5.6 s after the step, where 7 s are allowed."""

    late_ms = 2_600


run(DelayBelow(), "delay-below")
