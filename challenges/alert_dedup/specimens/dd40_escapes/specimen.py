"""ASCII that stands for all."""

from __future__ import annotations

import sys
from pathlib import Path

sys.path.insert(0, str(Path(__file__).resolve().parents[4]))

import json

from challenges.alert_dedup.specimens._base import ValkeyDedup, run


class Escapes(ValkeyDedup):
    """As JSON writes it."""

    def window_key(self, fingerprint: str) -> str:
        return f"{self.prefix}window:{json.dumps(fingerprint)}"


run(Escapes(), "escapes")
