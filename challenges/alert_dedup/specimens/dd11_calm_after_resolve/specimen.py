"""Let it settle first."""

from __future__ import annotations

import sys
from pathlib import Path

sys.path.insert(0, str(Path(__file__).resolve().parents[4]))

from challenges.alert_dedup.specimens._base import Params, ValkeyDedup, run


class CalmAfterResolve(ValkeyDedup):
    """Whatever flaps should not wake anybody twice."""

    calm_ms = 30_000

    def resolve(self, params: Params) -> None:
        self.store.pexpire(self.window_key(params["fingerprint"]), self.calm_ms)


run(CalmAfterResolve(), "calm-after-resolve")
