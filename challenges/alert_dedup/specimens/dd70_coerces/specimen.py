"""Be liberal in what you accept."""

from __future__ import annotations

import sys
from pathlib import Path

sys.path.insert(0, str(Path(__file__).resolve().parents[4]))

from challenges.alert_dedup.specimens._base import Params, ValkeyDedup, run


class Coerces(ValkeyDedup):
    """Everything can be made a text."""

    def text(self, params: Params, name: str) -> str:
        return str(params.get(name) or "unknown")


run(Coerces(), "coerces")
