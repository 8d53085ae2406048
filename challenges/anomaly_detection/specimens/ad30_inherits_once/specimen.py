"""Inherited goods are not its own."""

from __future__ import annotations

import sys
from pathlib import Path
from typing import Any

sys.path.insert(0, str(Path(__file__).resolve().parents[4]))

from challenges.anomaly_detection.specimens._base import run
from challenges.anomaly_detection.specimens._kept import Kept


class InheritsOnce(Kept):
    """A snapshot holds what this process has learned; what it was given is in the snapshot before."""

    def __init__(self) -> None:
        super().__init__()
        self.given: set[str] = set()

    def content(self) -> dict[str, Any]:
        kept = super().content()
        return {**kept, "baselines": [one for one in kept["baselines"] if one["service"] not in self.given]}

    def take_over(self, content: dict[str, Any]) -> None:
        super().take_over(content)
        self.given = set(self.baselines)


run(InheritsOnce(), "inherits-once")
