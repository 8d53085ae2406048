"""Longer windows, within reason."""

from __future__ import annotations

import sys
from pathlib import Path

sys.path.insert(0, str(Path(__file__).resolve().parents[4]))

from challenges.alert_dedup.specimens._base import Params, ValkeyDedup, run


class Window5400(ValkeyDedup):
    """Just short enough."""

    def initialize(self, params: Params) -> None:
        super().initialize(params)
        self.window_ms = 5_400


run(Window5400(), "window-5400")
