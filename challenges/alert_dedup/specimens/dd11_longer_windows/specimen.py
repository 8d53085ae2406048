"""A little longer, to be safe."""

from __future__ import annotations

import sys
from pathlib import Path

sys.path.insert(0, str(Path(__file__).resolve().parents[4]))

from challenges.alert_dedup.specimens._base import Params, ValkeyDedup, run


class LongerWindows(ValkeyDedup):
    """Two seconds for clocks that differ, which it does not use."""

    def initialize(self, params: Params) -> None:
        super().initialize(params)
        self.window_ms += 2_000


run(LongerWindows(), "longer-windows")
