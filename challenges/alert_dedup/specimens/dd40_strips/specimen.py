"""Blanks at the ends mean nothing."""

from __future__ import annotations

import sys
from pathlib import Path

sys.path.insert(0, str(Path(__file__).resolve().parents[4]))

from challenges.alert_dedup.specimens._base import ValkeyDedup, run


class Strips(ValkeyDedup):
    """Tidied up first."""

    def window_key(self, fingerprint: str) -> str:
        return f"{self.prefix}window:{fingerprint.strip()}"


run(Strips(), "strips")
