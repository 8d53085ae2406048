"""One page per incident, if incidents end."""

from __future__ import annotations

import sys
from pathlib import Path

sys.path.insert(0, str(Path(__file__).resolve().parents[4]))

from challenges.alert_dedup.specimens._base import Params, ValkeyDedup, run

DAY_MS = 86_400_000


class SuppressWhileActive(ValkeyDedup):
    """The window has no end of its own worth speaking of."""

    def initialize(self, params: Params) -> None:
        super().initialize(params)
        self.window_ms = DAY_MS

    def resolve(self, params: Params) -> None:
        self.store.delete(self.window_key(params["fingerprint"]))


run(SuppressWhileActive(), "suppress-while-active")
