"""Has anybody seen to it?"""

from __future__ import annotations

import sys
from pathlib import Path

sys.path.insert(0, str(Path(__file__).resolve().parents[4]))

from candidates.sdk.python.harness_sdk import now_ms
from challenges.alert_dedup.specimens._base import Alert, Params, ValkeyDedup, run


class Reminds(ValkeyDedup):
    """Once, and only of what it has sent itself: a processor that died reminds nobody."""

    after_ms = 12_500

    def __init__(self) -> None:
        self.sent: list[tuple[int, Alert]] = []

    def page(self, alert: Alert) -> None:
        super().page(alert)
        self.sent.append((now_ms(), alert))

    def tick(self, params: Params) -> None:
        super().tick(params)
        while self.sent and now_ms() - self.sent[0][0] >= self.after_ms:
            super().page(self.sent.pop(0)[1])

    def reset(self, params: Params) -> None:
        self.sent = []


run(Reminds(), "reminds")
