"""Work is looked for now and then, instead of being woken by it."""

from __future__ import annotations

import sys
import time
from pathlib import Path

sys.path.insert(0, str(Path(__file__).resolve().parents[4]))

from challenges.alert_dedup.specimens._base import Params, ValkeyDedup, run


class Polls(ValkeyDedup):
    """Eight threads; each offer waits for the next full 25 ms."""

    capabilities = ("pipelining",)
    every_s = 0.025

    def offer(self, params: Params) -> dict[str, str]:
        time.sleep(self.every_s - time.monotonic() % self.every_s)
        return super().offer(params)


run(Polls(), "polls")
