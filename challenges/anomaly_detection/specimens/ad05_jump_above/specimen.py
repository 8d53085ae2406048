"""Too late for a jump, soon enough for a ramp."""

from __future__ import annotations

import sys
from pathlib import Path

sys.path.insert(0, str(Path(__file__).resolve().parents[4]))

from challenges.anomaly_detection.specimens._base import run
from challenges.anomaly_detection.specimens._late import Late


class JumpAbove(Late):
    """The jump is seen on its way up, within 5 s, and told of 11 s later."""

    late_ms = 11_000


run(JumpAbove(), "jump-above")
