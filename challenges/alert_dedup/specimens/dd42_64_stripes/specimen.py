"""A lock for every 64th."""

from __future__ import annotations

import sys
from pathlib import Path

sys.path.insert(0, str(Path(__file__).resolve().parents[4]))

from challenges.alert_dedup.specimens._base import Alert, Params, PostgresDedup, key, run

STRIPES = 64


class Stripes(PostgresDedup):
    """Decides under one of 64 locks, which fingerprints share by their hash."""

    def decide(self, alert: Alert, params: Params) -> str:
        stripe = int(key(alert.fingerprint), 16) % STRIPES
        self.ask("select pg_advisory_lock(%s)", stripe)
        try:
            return super().decide(alert, params)
        finally:
            self.ask("select pg_advisory_unlock(%s)", stripe)


run(Stripes(), "64-stripes")
