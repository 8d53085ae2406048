"""Three against one, and half a second to be safe."""

from __future__ import annotations

import sys
from pathlib import Path

sys.path.insert(0, str(Path(__file__).resolve().parents[4]))

from candidates.sdk.python.harness_sdk import now_ms
from challenges.alert_dedup.specimens._base import Params, run
from challenges.alert_dedup.specimens._own_clock import OwnClock

FAR_MS = 2_500
MARGIN_MS = 500


class OutvotesAnEarlyStore(OwnClock):
    """The time is the store's, unless all are behind it."""

    def initialize(self, params: Params) -> None:
        super().initialize(params)
        self.window_ms += MARGIN_MS

    def opening(self) -> int:
        return self.store_ms()

    def now(self) -> int:
        votes = f"{self.prefix}votes"
        self.store.hset(votes, self.node, now_ms() - self.store_ms())
        ahead_ms = max(map(int, self.store.hvals(votes)))
        return self.store_ms() + (ahead_ms if ahead_ms < -FAR_MS else 0)


run(OutvotesAnEarlyStore(), "outvotes-an-early-store")
