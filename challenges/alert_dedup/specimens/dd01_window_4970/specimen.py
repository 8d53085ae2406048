"""A key that expires a little early."""

from __future__ import annotations

import sys
from pathlib import Path

sys.path.insert(0, str(Path(__file__).resolve().parents[4]))

from challenges.alert_dedup.specimens._base import Params, ValkeyDedup, run


class Window4970(ValkeyDedup):
    """Thirty milliseconds for the way to the store and back."""

    def initialize(self, params: Params) -> None:
        super().initialize(params)
        self.window_ms = 4_970


run(Window4970(), "window-4970")
