"""What is before the mark was before the restart."""

from __future__ import annotations

import sys
from pathlib import Path

sys.path.insert(0, str(Path(__file__).resolve().parents[4]))

from candidates.sdk.python.harness_sdk import now_ms
from challenges.alert_dedup.specimens._base import Alert, Params, ValkeyDedup, run


class WaitsForItsPast(ValkeyDedup):
    """A high-water mark of its own."""

    handled_until_ms = 0

    @property
    def mark(self) -> str:
        return f"{self.prefix}mark:{self.node}"

    def initialize(self, params: Params) -> None:
        super().initialize(params)
        self.handled_until_ms = int(self.store.get(self.mark) or 0)

    def tick(self, params: Params) -> None:
        self.store.set(self.mark, now_ms(), px=self.retention_ms)
        super().tick(params)

    def reserve(self, alert: Alert) -> str:
        return "suppress" if now_ms() < self.handled_until_ms else super().reserve(alert)


run(WaitsForItsPast(), "waits-for-its-past")
