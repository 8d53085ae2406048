"""Starts by clearing the table."""

from __future__ import annotations

import sys
from pathlib import Path

sys.path.insert(0, str(Path(__file__).resolve().parents[4]))

import secrets
from dataclasses import replace

from challenges.alert_dedup.specimens._base import Alert, Params, ValkeyDedup, run


class RestartResends(ValkeyDedup):
    """Whoever had reserved it is surely dead, and whether it was sent nobody knows."""

    just_started = True

    def tick(self, params: Params) -> None:
        if self.just_started:
            self.just_started = False
            for text in self.store.zrange(self.unconfirmed, 0, -1):
                self.page(replace(Alert.unpack(text), alert_id=secrets.token_hex(12)))
                self.store.zrem(self.unconfirmed, text)
        super().tick(params)


run(RestartResends(), "restart-resends")
