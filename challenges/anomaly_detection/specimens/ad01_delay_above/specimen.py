"""A queue that holds alerts for long."""

from __future__ import annotations

import sys
from pathlib import Path

sys.path.insert(0, str(Path(__file__).resolve().parents[4]))

from challenges.anomaly_detection.specimens._base import run
from challenges.anomaly_detection.specimens._late import Late


class DelayAbove(Late):
    """At the earliest 8.75 s after the step, where 7 s are allowed."""

    late_ms = 7_750


run(DelayAbove(), "delay-above")
