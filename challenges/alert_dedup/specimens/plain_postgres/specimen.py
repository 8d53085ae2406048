"""The plain deduplicator over Postgres, unchanged."""

from __future__ import annotations

import sys
from pathlib import Path

sys.path.insert(0, str(Path(__file__).resolve().parents[4]))

from challenges.alert_dedup.specimens._base import PostgresDedup, run

run(PostgresDedup(), "plain-postgres")
