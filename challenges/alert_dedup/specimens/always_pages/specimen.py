"""Pages for every offer."""

from __future__ import annotations

import itertools
import sys
from dataclasses import replace
from pathlib import Path

sys.path.insert(0, str(Path(__file__).resolve().parents[4]))

from challenges.alert_dedup.specimens._base import Alert, Params, ValkeyDedup, run


class AlwaysPages(ValkeyDedup):
    """Nothing is ever the same alert."""

    _numbers = itertools.count()

    def decide(self, alert: Alert, params: Params) -> str:
        self.page(replace(alert, alert_id=f"{alert.alert_id}-{self.node}-{next(self._numbers)}"))
        return "emit"


run(AlwaysPages(), "always-pages")
