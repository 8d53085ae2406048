"""One form for what looks the same."""

from __future__ import annotations

import sys
from pathlib import Path

sys.path.insert(0, str(Path(__file__).resolve().parents[4]))

from unicodedata import normalize

from challenges.alert_dedup.specimens._base import ValkeyDedup, run


class Normalises(ValkeyDedup):
    """Composed or not, it is the same letter."""

    def window_key(self, fingerprint: str) -> str:
        return f"{self.prefix}window:{normalize('NFC', fingerprint)}"


run(Normalises(), "normalises")
