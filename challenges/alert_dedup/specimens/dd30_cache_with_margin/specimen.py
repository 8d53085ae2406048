"""Remembers open windows, by a clock that may be 3 s off."""

from __future__ import annotations

import sys
from pathlib import Path

sys.path.insert(0, str(Path(__file__).resolve().parents[4]))

from candidates.sdk.python.harness_sdk import now_ms
from challenges.alert_dedup.specimens._base import Alert, Params, ValkeyDedup, run


class CacheWithMargin(ValkeyDedup):
    """What was seen to be open less than the window less the skew ago still is."""

    def initialize(self, params: Params) -> None:
        super().initialize(params)
        self.sure_ms: int = params["config"]["window_ms"] - params["config"]["max_skew_ms"]
        self.paged_ms: dict[str, int] = {}

    def reset(self, params: Params) -> None:
        self.paged_ms.clear()

    def reserve(self, alert: Alert) -> str:
        if 0 <= now_ms() - self.paged_ms.get(alert.fingerprint, 0) < self.sure_ms and not self.is_known(alert):
            return "suppress"
        answer = super().reserve(alert)
        if answer == "emit":
            self.paged_ms[alert.fingerprint] = now_ms()
        return answer

    def is_known(self, alert: Alert) -> bool:
        return bool(self.store.exists(self.event_key(alert.event_id)))


run(CacheWithMargin(), "cache-with-margin")
