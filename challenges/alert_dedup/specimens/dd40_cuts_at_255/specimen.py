"""As many characters as a column holds."""

from __future__ import annotations

import sys
from pathlib import Path

sys.path.insert(0, str(Path(__file__).resolve().parents[4]))

from challenges.alert_dedup.specimens._base import ValkeyDedup, run


class CutsAt255(ValkeyDedup):
    """Nobody has longer ones."""

    def window_key(self, fingerprint: str) -> str:
        return f"{self.prefix}window:{fingerprint[:255]}"


run(CutsAt255(), "cuts-at-255")
