"""Longer windows."""

from __future__ import annotations

import sys
from pathlib import Path

sys.path.insert(0, str(Path(__file__).resolve().parents[4]))

from challenges.alert_dedup.specimens._base import Params, ValkeyDedup, run


class Windows6400(ValkeyDedup):
    """A second and a half for clocks that differ."""

    def initialize(self, params: Params) -> None:
        super().initialize(params)
        self.window_ms = 6_400


run(Windows6400(), "windows-6400")
