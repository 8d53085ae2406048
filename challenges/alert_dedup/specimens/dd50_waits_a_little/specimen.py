"""A little late, always."""

from __future__ import annotations

import sys
import time
from pathlib import Path

sys.path.insert(0, str(Path(__file__).resolve().parents[4]))

from challenges.alert_dedup.specimens._base import Params, ValkeyDedup, run


class Waits(ValkeyDedup):
    """Eight threads; each offer is held for 2 ms."""

    capabilities = ("pipelining",)
    held_s = 0.002

    def offer(self, params: Params) -> dict[str, str]:
        time.sleep(self.held_s)
        return super().offer(params)


run(Waits(), "waits-a-little")
