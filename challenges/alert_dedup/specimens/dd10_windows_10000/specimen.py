"""Windows twice as long."""

from __future__ import annotations

import sys
from pathlib import Path

sys.path.insert(0, str(Path(__file__).resolve().parents[4]))

from challenges.alert_dedup.specimens._base import Params, ValkeyDedup, run


class Windows10000(ValkeyDedup):
    """Twice as quiet."""

    def initialize(self, params: Params) -> None:
        super().initialize(params)
        self.window_ms = 10_000


run(Windows10000(), "windows-10000")
