"""How close together raw alerts of one service and kind come. Pure functions of the alerts seen."""

from __future__ import annotations

from collections.abc import Iterable
from dataclasses import dataclass

from challenges.anomaly_detection.alerts import GRAIN_MS, SeenAlert

APART_MS = 10_000


@dataclass(frozen=True, slots=True)
class Neighbours:
    """Two alerts of one service and kind, the second the next after the first."""

    first: SeenAlert
    second: SeenAlert

    @property
    def apart_ms(self) -> int:
        return self.second.seen_ms - self.first.seen_ms

    @property
    def too_close(self) -> bool:
        """Whether they were surely less than 10 s apart: each may have been seen late by the grain of seeing."""
        return self.apart_ms < APART_MS - GRAIN_MS


def neighbours(alerts: Iterable[SeenAlert]) -> list[Neighbours]:
    """All pairs of successive alerts of one service and kind, in order of the second. The alerts are in order of time."""
    last: dict[tuple[str, str], SeenAlert] = {}
    found = []
    for alert in alerts:
        key = (alert.service, alert.kind)
        if key in last:
            found.append(Neighbours(last[key], alert))
        last[key] = alert
    return found
