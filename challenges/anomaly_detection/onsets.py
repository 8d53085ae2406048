"""Onsets: when a (service, kind) starts to alert. Pure functions of the alerts seen.

An onset is the first alert of a (service, kind) after 30 s of stream without one; each started 5 min of continuous
alerting after it is one more.
"""

from __future__ import annotations

from collections.abc import Iterable, Sequence
from dataclasses import dataclass

from challenges.anomaly_detection.alerts import SeenAlert

SILENCE_MS = 30_000
CONTINUED_MS = 300_000
# A change of the error share is no change of the volume: an alert of this kind is not its detection.
VOLUME = "volume"


@dataclass(frozen=True, slots=True)
class Onset:
    """The alert that starts an episode (`continued` false), or one that starts a further 5 min of it."""

    alert: SeenAlert
    continued: bool = False

    @property
    def seen_ms(self) -> int:
        return self.alert.seen_ms

    @property
    def service(self) -> str:
        return self.alert.service

    @property
    def kind(self) -> str:
        return self.alert.kind


class Tracker:
    """Takes alerts one by one, in the order in which they were seen, and says which are onsets."""

    def __init__(self) -> None:
        self._last: dict[tuple[str, str], int] = {}
        self._counted: dict[tuple[str, str], int] = {}

    def add(self, alert: SeenAlert) -> Onset | None:
        """The onset that this alert is, or None."""
        key = (alert.service, alert.kind)
        fresh = key not in self._last or alert.seen_ms - self._last[key] >= SILENCE_MS
        self._last[key] = alert.seen_ms
        if not fresh and alert.seen_ms - self._counted[key] < CONTINUED_MS:
            return None
        self._counted[key] = alert.seen_ms
        return Onset(alert, continued=not fresh)


def onsets(alerts: Iterable[SeenAlert]) -> list[Onset]:
    """All onsets, in order of time. The alerts come in the order in which they were seen."""
    tracker = Tracker()
    return [onset for alert in alerts if (onset := tracker.add(alert)) is not None]


def detection(found: Sequence[Onset], service: str, from_ms: int, to_ms: int) -> Onset | None:
    """The first onset of that service, of any kind but `volume`, seen within [from_ms, to_ms]."""
    inside = (o for o in found if o.service == service and o.kind != VOLUME and from_ms <= o.seen_ms <= to_ms)
    return next(inside, None)


def alerted(alerts: Iterable[SeenAlert], service: str, from_ms: int, to_ms: int) -> SeenAlert | None:
    """The first raw alert of that service, of any kind but `volume`, seen within [from_ms, to_ms]."""
    return next((a for a in alerts if a.service == service and a.kind != VOLUME and from_ms <= a.seen_ms <= to_ms), None)
