"""A constant that is used before it is there."""

from __future__ import annotations

import sys
from pathlib import Path

sys.path.insert(0, str(Path(__file__).resolve().parents[4]))

from challenges.anomaly_detection.specimens._base import Detector, run


class DoesNotStart(Detector):
    """The window is set below, with the other settings."""

    warmup_buckets = WINDOW_S // 5  # noqa: F821 - the planted fault


WINDOW_S = 60

run(DoesNotStart(), "does-not-start")
