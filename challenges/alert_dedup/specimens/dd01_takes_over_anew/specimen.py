"""Another processor, another alert."""

from __future__ import annotations

import secrets
import sys
from collections.abc import Iterator
from dataclasses import replace
from pathlib import Path

sys.path.insert(0, str(Path(__file__).resolve().parents[4]))

from challenges.alert_dedup.specimens._base import Alert, ValkeyDedup, run


class TakesOverAnew(ValkeyDedup):
    """What somebody else may have sent is his; this is ours."""

    def take_over(self) -> Iterator[Alert]:
        for alert in super().take_over():
            self.confirm(alert)
            yield replace(alert, alert_id=secrets.token_hex(12))


run(TakesOverAnew(), "takes-over-anew")
