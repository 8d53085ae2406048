"""Longer windows."""

from __future__ import annotations

import sys
from pathlib import Path

sys.path.insert(0, str(Path(__file__).resolve().parents[4]))

from challenges.alert_dedup.specimens._base import Params, ValkeyDedup, run


class Window6250(ValkeyDedup):
    """Just too long."""

    def initialize(self, params: Params) -> None:
        super().initialize(params)
        self.window_ms = 6_250


run(Window6250(), "window-6250")
