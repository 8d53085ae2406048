"""What the disk refuses is done once more."""

from __future__ import annotations

import sys
from pathlib import Path

sys.path.insert(0, str(Path(__file__).resolve().parents[4]))

from challenges.alert_dedup.specimens._base import run
from challenges.alert_dedup.specimens._sqlite import TriesAgain


class Again(TriesAgain):
    """Unchanged."""

    pause_s = 0.05


run(Again(), "sqlite-tries-again")
