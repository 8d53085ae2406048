"""Until it is confirmed, it is not sent."""

from __future__ import annotations

import sys
from pathlib import Path

sys.path.insert(0, str(Path(__file__).resolve().parents[4]))

import redis

from challenges.alert_dedup.specimens._base import NO_RETRY, Alert, Params, ValkeyDedup, run


class PagesUntilConfirmed(ValkeyDedup):
    """What could not be confirmed is done again from the beginning, on every tick."""

    options = NO_RETRY

    def connect(self, url: str) -> None:
        super().connect(url)
        self.owed: list[Alert] = []

    def decide(self, alert: Alert, params: Params) -> str:
        answer = self.reserve(alert)
        if answer == "emit":
            self.page(alert)
            try:
                self.confirm(alert)
            except redis.RedisError:
                self.owed.append(alert)
        return "emit" if answer == "known" else answer

    def tick(self, params: Params) -> None:
        while self.owed:
            self.page(self.owed[-1])
            self.confirm(self.owed[-1])
            self.owed.pop()
        super().tick(params)


run(PagesUntilConfirmed(), "pages-until-confirmed")
