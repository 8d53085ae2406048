"""Takes a number, and loses it."""

from __future__ import annotations

import sys
from pathlib import Path

sys.path.insert(0, str(Path(__file__).resolve().parents[4]))

from challenges.alert_dedup.specimens._base import Params, ValkeyDedup, run


class LeaksPlaces(ValkeyDedup):
    """At most sixteen offers in hand."""

    places = 16

    def offer(self, params: Params) -> dict[str, str]:
        if self.places == 0:
            raise RuntimeError("too many offers in hand")
        self.places -= 1
        answer = super().offer(params)
        self.places += 1
        return answer


run(LeaksPlaces(), "leaks-places")
