"""Names come and stay: the plain detector, which is told nothing of services that go."""

from __future__ import annotations

import sys
from pathlib import Path

sys.path.insert(0, str(Path(__file__).resolve().parents[4]))

from challenges.anomaly_detection.specimens._base import Detector, run

run(Detector(), "keeps-every-name")
