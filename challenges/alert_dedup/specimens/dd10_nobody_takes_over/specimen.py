"""Whoever reserved it will send it."""

from __future__ import annotations

import sys
from pathlib import Path

sys.path.insert(0, str(Path(__file__).resolve().parents[4]))

from challenges.alert_dedup.specimens._base import Params, ValkeyDedup, run


class NobodyTakesOver(ValkeyDedup):
    """Processors do not die, and if they do it is somebody else's affair."""

    def tick(self, params: Params) -> None:
        return


run(NobodyTakesOver(), "nobody-takes-over")
