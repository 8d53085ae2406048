"""Late for a jump, and still in time."""

from __future__ import annotations

import sys
from pathlib import Path

sys.path.insert(0, str(Path(__file__).resolve().parents[4]))

from challenges.anomaly_detection.specimens._base import run
from challenges.anomaly_detection.specimens._late import Late


class JumpBelow(Late):
    """The jump is seen on its way up, within 5 s, and told of 5 s later."""

    late_ms = 5_000


run(JumpBelow(), "jump-below")
