"""Three against one."""

from __future__ import annotations

import sys
from pathlib import Path

sys.path.insert(0, str(Path(__file__).resolve().parents[4]))

from candidates.sdk.python.harness_sdk import now_ms
from challenges.alert_dedup.specimens._base import run
from challenges.alert_dedup.specimens._own_clock import OwnClock

FAR_MS = 2_500


class OutvotesALateStore(OwnClock):
    """The time is the store's, unless all are ahead of it."""

    def opening(self) -> int:
        return self.store_ms()

    def now(self) -> int:
        votes = f"{self.prefix}votes"
        self.store.hset(votes, self.node, now_ms() - self.store_ms())
        ahead_ms = min(map(int, self.store.hvals(votes)))
        return self.store_ms() + (ahead_ms if ahead_ms > FAR_MS else 0)


run(OutvotesALateStore(), "outvotes-a-late-store")
