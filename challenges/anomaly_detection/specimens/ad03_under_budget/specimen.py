"""As sensitive as the budget for false alarms allows."""

from __future__ import annotations

import sys
from pathlib import Path

sys.path.insert(0, str(Path(__file__).resolve().parents[4]))

from challenges.anomaly_detection.specimens._base import Detector, run


class UnderBudget(Detector):
    """Chance crosses this line about once in four service-hours; the budget is once in two."""

    threshold_z = 3.75


run(UnderBudget(), "under-budget")
