"""An id for every page."""

from __future__ import annotations

import sys
from pathlib import Path

sys.path.insert(0, str(Path(__file__).resolve().parents[4]))

import secrets
from dataclasses import replace

from challenges.alert_dedup.specimens._base import Alert, ValkeyDedup, run


class NewIdPerPage(ValkeyDedup):
    """The reservation says who may page, and the id is the page's own affair."""

    def page(self, alert: Alert) -> None:
        super().page(replace(alert, alert_id=secrets.token_hex(12)))


run(NewIdPerPage(), "new-id-per-page")
