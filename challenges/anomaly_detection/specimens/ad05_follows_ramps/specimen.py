"""The baseline runs after whatever happens."""

from __future__ import annotations

import sys
from pathlib import Path

sys.path.insert(0, str(Path(__file__).resolve().parents[4]))

from challenges.anomaly_detection.specimens._base import Baseline, Detector, run


class FollowsRamps(Detector):
    """Learns fast, and from incidents as well."""

    alpha = 0.2

    def learn(self, baseline: Baseline, share: float) -> None:
        baseline.seen += 1
        baseline.share += (share - baseline.share) * max(self.alpha, 1 / baseline.seen)


run(FollowsRamps(), "follows-ramps")
