"""Upper or lower, it is the same alert."""

from __future__ import annotations

import sys
from pathlib import Path

sys.path.insert(0, str(Path(__file__).resolve().parents[4]))

from challenges.alert_dedup.specimens._base import ValkeyDedup, run


class FoldsCase(ValkeyDedup):
    """Names of services are written now so, now so."""

    def window_key(self, fingerprint: str) -> str:
        return f"{self.prefix}window:{fingerprint.casefold()}"


run(FoldsCase(), "folds-case")
