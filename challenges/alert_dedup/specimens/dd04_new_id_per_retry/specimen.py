"""Takes every delivery for an event of its own."""

from __future__ import annotations

import sys
from pathlib import Path

sys.path.insert(0, str(Path(__file__).resolve().parents[4]))

import secrets

from challenges.alert_dedup.specimens._base import Alert, Params, ValkeyDedup, run


class NewIdPerRetry(ValkeyDedup):
    """Within the window the fingerprint hides it."""

    attempt = 1

    def decide(self, alert: Alert, params: Params) -> str:
        self.attempt = params.get("attempt", 1)
        return super().decide(alert, params)

    def event_key(self, event_id: str) -> str:
        return f"{super().event_key(event_id)}#{self.attempt}"

    def new_id(self, fingerprint: str, event_id: str) -> str:
        return secrets.token_hex(12)


run(NewIdPerRetry(), "new-id-per-retry")
