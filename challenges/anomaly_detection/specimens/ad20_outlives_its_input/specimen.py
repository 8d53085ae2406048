"""It might be reopened."""

from __future__ import annotations

import atexit
import sys
import time
from pathlib import Path

sys.path.insert(0, str(Path(__file__).resolve().parents[4]))

from challenges.anomaly_detection.specimens._base import Detector, run

atexit.register(time.sleep, 60)
run(Detector(), "outlives-its-input")
