"""As bad as the worst is good enough."""

from __future__ import annotations

import sys
from dataclasses import replace
from pathlib import Path

sys.path.insert(0, str(Path(__file__).resolve().parents[4]))

from challenges.anomaly_detection.specimens._base import Baseline, Detector, run


class WorstIsUsual(Detector):
    """One baseline for everybody, and it should not alert on any of them."""

    def z(self, baseline: Baseline, share: float, total: int) -> float:
        worst = max(one.share for one in self.baselines.values())
        return super().z(replace(baseline, share=worst), share, total)


run(WorstIsUsual(), "worst-is-usual")
