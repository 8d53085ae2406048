"""The plain deduplicator over Valkey, unchanged."""

from __future__ import annotations

import sys
from pathlib import Path

sys.path.insert(0, str(Path(__file__).resolve().parents[4]))

from challenges.alert_dedup.specimens._base import ValkeyDedup, run

run(ValkeyDedup(), "plain")
