"""Pages once, claims it every time."""

from __future__ import annotations

import sys
from pathlib import Path

sys.path.insert(0, str(Path(__file__).resolve().parents[4]))

from challenges.alert_dedup.specimens._base import Alert, Params, ValkeyDedup, run


class AlwaysSaysEmit(ValkeyDedup):
    """What the others get to hear is not what was done."""

    def decide(self, alert: Alert, params: Params) -> str:
        super().decide(alert, params)
        return "emit"


run(AlwaysSaysEmit(), "always-says-emit")
