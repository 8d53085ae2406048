"""Decides like the plain one, never pages."""

from __future__ import annotations

import sys
from pathlib import Path

sys.path.insert(0, str(Path(__file__).resolve().parents[4]))

from challenges.alert_dedup.specimens._base import Alert, ValkeyDedup, run


class Silent(ValkeyDedup):
    """Nobody is woken."""

    def page(self, alert: Alert) -> None:
        return


run(Silent(), "silent")
