"""Whether two runs over the same logs have the same onsets. Pure functions of the alerts seen.

An onset needs 30 s of silence before it. Where a candidate repeats its alerts every 30 s, a few milliseconds decide
whether a repetition is an onset: so a partner may have been silent for as much less as the two runs may differ anyway.
"""

from __future__ import annotations

from collections.abc import Iterable, Sequence
from dataclasses import dataclass

from challenges.anomaly_detection.alerts import SeenAlert
from challenges.anomaly_detection.onsets import SILENCE_MS, Onset, onsets


def starts(alerts: Iterable[SeenAlert], silence_ms: int) -> list[SeenAlert]:
    """The alerts before which their (service, kind) was silent for that long, in the order in which they were seen."""
    last: dict[tuple[str, str], int] = {}
    found = []
    for alert in alerts:
        key = (alert.service, alert.kind)
        if key not in last or alert.seen_ms - last[key] >= silence_ms:
            found.append(alert)
        last[key] = alert.seen_ms
    return found


def unpaired(found: Sequence[Onset], partners: Sequence[SeenAlert], *, earlier_ms: int, later_ms: int) -> list[Onset]:
    """The onsets without a partner of their own: one of their service and kind, from `earlier_ms` before to `later_ms` after."""
    free: dict[tuple[str, str], list[int]] = {}
    for alert in partners:
        free.setdefault((alert.service, alert.kind), []).append(alert.seen_ms)
    alone = []
    for onset in found:
        times = free.get((onset.service, onset.kind), [])
        reach = [t for t in times if -earlier_ms <= t - onset.seen_ms <= later_ms]
        if reach:
            times.remove(reach[0])
        else:
            alone.append(onset)
    return alone


@dataclass(frozen=True, slots=True)
class Changes:
    """What two runs do not share: `lost` are onsets of the first run, `new` those of the second."""

    lost: tuple[Onset, ...]
    new: tuple[Onset, ...]

    def __bool__(self) -> bool:
        return bool(self.lost or self.new)

    @property
    def first(self) -> Onset:
        """The one that was seen first. There must be one."""
        return min((*self.lost, *self.new), key=lambda onset: onset.seen_ms)

    def phrases(self) -> list[str]:
        """One for each."""
        return [f"lost: {_named(onset)}" for onset in self.lost] + [f"new: {_named(onset)}" for onset in self.new]


def onset_changes(
    first: Sequence[SeenAlert],
    second: Sequence[SeenAlert],
    *,
    slack_ms: int,
    from_ms: int,
    to_ms: int,
    later_ms: int = 0,
) -> Changes:
    """What changed from the first run's onsets to the second's (falsy if nothing did).

    Onsets seen in [from_ms, to_ms] need a partner within `slack_ms` in the other run, which may lie outside; those of the
    second may come `later_ms` later still. Alerts before from_ms do not exist. What continues an episode needs no partner.
    """
    gated = [[alert for alert in run if alert.seen_ms >= from_ms] for run in (first, second)]
    silence_ms = max(0, SILENCE_MS - slack_ms - later_ms)
    pools = [starts(run, silence_ms) for run in gated]
    strict = [[o for o in onsets(run) if not o.continued and o.seen_ms <= to_ms] for run in gated]
    return Changes(
        lost=tuple(unpaired(strict[0], pools[1], earlier_ms=slack_ms, later_ms=slack_ms + later_ms)),
        new=tuple(unpaired(strict[1], pools[0], earlier_ms=slack_ms + later_ms, later_ms=slack_ms)),
    )


def _named(onset: Onset) -> str:
    return f"the onset of {onset.service[:80]!r} ({onset.kind}) at {onset.seen_ms}"
