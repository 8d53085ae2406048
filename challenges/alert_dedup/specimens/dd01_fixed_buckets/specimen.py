"""Windows that begin when the clock says so, not when an alert goes out."""

from __future__ import annotations

import sys
from pathlib import Path

sys.path.insert(0, str(Path(__file__).resolve().parents[4]))

from candidates.sdk.python.harness_sdk import now_ms
from challenges.alert_dedup.specimens._base import ValkeyDedup, run


class FixedBuckets(ValkeyDedup):
    """One alert per fingerprint and slot."""

    def window_key(self, fingerprint: str) -> str:
        return f"{super().window_key(fingerprint)}:{now_ms() // self.window_ms}"


run(FixedBuckets(), "fixed-buckets")
