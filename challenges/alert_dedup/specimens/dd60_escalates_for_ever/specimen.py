"""An update is a new value."""

from __future__ import annotations

import sys
from pathlib import Path

sys.path.insert(0, str(Path(__file__).resolve().parents[4]))

from challenges.alert_dedup.specimens._base import run
from challenges.alert_dedup.specimens._worst import Worst


class EscalatesForEver(Worst):
    """Writes the worse one in place of the other."""

    def escalate(self, worst: str, rank: int) -> None:
        self.store.set(worst, rank)


run(EscalatesForEver(), "escalates-for-ever")
