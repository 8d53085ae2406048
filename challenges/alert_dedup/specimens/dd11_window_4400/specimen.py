"""Shorter windows."""

from __future__ import annotations

import sys
from pathlib import Path

sys.path.insert(0, str(Path(__file__).resolve().parents[4]))

from challenges.alert_dedup.specimens._base import Params, ValkeyDedup, run


class Window4400(ValkeyDedup):
    """Just too short."""

    def initialize(self, params: Params) -> None:
        super().initialize(params)
        self.window_ms = 4_400


run(Window4400(), "window-4400")
