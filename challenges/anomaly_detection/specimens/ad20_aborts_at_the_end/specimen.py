"""It leaves with a bang."""

from __future__ import annotations

import atexit
import os
import sys
from pathlib import Path

sys.path.insert(0, str(Path(__file__).resolve().parents[4]))

from challenges.anomaly_detection.specimens._base import Detector, run

atexit.register(os.abort)
run(Detector(), "aborts-at-the-end")
