"""What becomes of an alert whose owner is killed at one crash point and is gone for ever: four runs, and the level they come to."""

from __future__ import annotations

from dataclasses import dataclass

from challenges.alert_dedup.checker import (
    AFTER_WINDOW,
    FOLLOW_UPS,
    NEW_EVENT,
    NOTHING,
    REDELIVERY,
    CrashLevel,
    crash_level,
)
from challenges.alert_dedup.courses import FINGERPRINT
from challenges.alert_dedup.crashes import (
    Calibration,
    CrashPoint,
    FollowUp,
    after_window,
    crash,
    new_event,
    nothing,
    redelivery,
    rows_of,
)
from challenges.alert_dedup.field import Field
from challenges.alert_dedup.judging import Played, played
from challenges.alert_dedup.view import View
from harness.runtime.trial import Undecided

FOLLOWED: dict[str, FollowUp] = dict(
    zip((NOTHING, NEW_EVENT, REDELIVERY, AFTER_WINDOW), (nothing, new_event, redelivery, after_window), strict=True)
)


@dataclass(frozen=True, slots=True)
class Fate:
    """What became of the alert at one crash point, and the runs that show it."""

    where: CrashPoint
    level: CrashLevel
    runs: dict[str, Played]
    stored: bool

    @property
    def number(self) -> int:
        """The level. Raises Undecided where there is none."""
        if self.level.level is None:
            raise Undecided(f"at the crash point {self.where.name}: {self.level.why}")
        return self.level.level


def fate_at(field: Field, calibration: Calibration, where: CrashPoint) -> Fate:
    """The four runs at one point."""
    runs: dict[str, Played] = {}
    stored = False
    for name in FOLLOW_UPS:
        offer = crash(field, where, calibration)
        stored = stored or rows_of(field) > field.rows_before
        FOLLOWED[name](field, offer)
        runs[name] = played(field, f"killed {where.name}, {name}")
    views = {name: View(run.entries, run.rules) for name, run in runs.items()}
    return Fate(where, crash_level(views, FINGERPRINT, stored=stored), runs, stored)
