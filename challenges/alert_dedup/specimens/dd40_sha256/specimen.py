"""A digest, whole."""

from __future__ import annotations

import sys
from pathlib import Path

sys.path.insert(0, str(Path(__file__).resolve().parents[4]))

from hashlib import sha256

from challenges.alert_dedup.specimens._base import ValkeyDedup, run


class Sha256(ValkeyDedup):
    """64 digits for any fingerprint."""

    def window_key(self, fingerprint: str) -> str:
        return f"{self.prefix}window:{sha256(fingerprint.encode()).hexdigest()}"


run(Sha256(), "sha256")
