"""The state of the alerts, all of it."""

from __future__ import annotations

import sys
from pathlib import Path

sys.path.insert(0, str(Path(__file__).resolve().parents[4]))

from challenges.anomaly_detection.specimens._base import run
from challenges.anomaly_detection.specimens._told_once import ToldOnce

run(ToldOnce(), "remembers-what-it-told")
