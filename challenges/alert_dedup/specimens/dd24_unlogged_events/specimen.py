"""What is only looked up needs no log."""

from __future__ import annotations

import sys
from pathlib import Path

sys.path.insert(0, str(Path(__file__).resolve().parents[4]))

import secrets

from challenges.alert_dedup.specimens._base import Alert, key, run
from challenges.alert_dedup.specimens._unlogged import Unlogged


class UnloggedEvents(Unlogged):
    """An alert's row goes when it is confirmed: then the table of events alone knows of it."""

    def new_id(self, fingerprint: str, event_id: str) -> str:
        return secrets.token_hex(12)

    def confirm(self, alert: Alert) -> None:
        self.ask('delete from "{p}alerts" where event = %s', key(alert.event_id))


run(UnloggedEvents(), "unlogged-events")
