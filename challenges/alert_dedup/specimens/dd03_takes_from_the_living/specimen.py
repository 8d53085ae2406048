"""Better now than later."""

from __future__ import annotations

import sys
from pathlib import Path

sys.path.insert(0, str(Path(__file__).resolve().parents[4]))

from challenges.alert_dedup.specimens._base import Alert, Params, ValkeyDedup, run


class TakesFromTheLiving(ValkeyDedup):
    """A redelivery is proof enough that the owner is gone."""

    def decide(self, alert: Alert, params: Params) -> str:
        if params["attempt"] > 1 and self.store.zscore(self.unconfirmed, alert.pack()) is not None:
            self.page(alert)
            self.confirm(alert)
            return "emit"
        return super().decide(alert, params)


run(TakesFromTheLiving(), "takes-from-the-living")
