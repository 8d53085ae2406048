"""A key that expires early."""

from __future__ import annotations

import sys
from pathlib import Path

sys.path.insert(0, str(Path(__file__).resolve().parents[4]))

from challenges.alert_dedup.specimens._base import Params, ValkeyDedup, run


class Window4000(ValkeyDedup):
    """Shorter, so that nothing is missed."""

    def initialize(self, params: Params) -> None:
        super().initialize(params)
        self.window_ms = 4_000


run(Window4000(), "window-4000")
