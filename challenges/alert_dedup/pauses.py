"""DD-23's course: the owner is stopped at a crash point of its offer, life goes on without it, and it wakes up.

In real time always: what a stopped process measures by its monotonic clock does not jump.
"""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass

from challenges.alert_dedup.courses import FINGERPRINT
from challenges.alert_dedup.crashes import OWNER, SECOND, THIRD, Calibration, CrashPoint
from challenges.alert_dedup.field import Field, Offer
from challenges.alert_dedup.judging import Case
from challenges.alert_dedup.strikes import stop, strike, wake
from challenges.alert_dedup.view import MS, Rules

KINDS = ("pause", "resume")
WORDS = ("half a lease", "one and a half leases", "the window and 1 s")
AFTERWARDS_MS = 1500.0
PATIENCE_S = 2.0


@dataclass(frozen=True, slots=True)
class Nap:
    """Where the owner is stopped, and for how long; `words` say how long that is."""

    where: CrashPoint
    words: str
    ms: float

    @property
    def name(self) -> str:
        """The case."""
        return f"stopped {self.where.name}, for {self.words}"


def naps(points: Sequence[CrashPoint], rules: Rules) -> list[Nap]:
    """Every point with every length."""
    lease_ms, window_ms = rules.lease_ns / MS, rules.window_ns / MS
    lengths = dict(zip(WORDS, (0.5 * lease_ms, 1.5 * lease_ms, window_ms + 1000), strict=True))
    return [Nap(where, words, ms) for where in points for words, ms in lengths.items()]


def case_of(calibration: Calibration, nap: Nap) -> Case:
    """The case of one nap."""

    def course(field: Field) -> None:
        offer = strike(field, nap.where, calibration, stop)
        _meanwhile(field, offer, nap.ms)
        wake(field)
        _afterwards(field, offer)

    return Case(nap.name, course, settle_ms=AFTERWARDS_MS, faults=2, kinds=KINDS)


def _meanwhile(field: Field, offer: Offer, nap_ms: float) -> None:
    """The others see the same alert, get the event itself, take over what is left to them, and begin the next window.

    Nobody is waited for: they may have to wait for the one who sleeps.
    """
    begun_ms, rules = field.now_ms, field.rules
    lease_ms, window_ms = rules.lease_ns / MS, rules.window_ns / MS
    field.offer(SECOND, FINGERPRINT)
    moments = [
        (300.0, THIRD, True),
        (lease_ms + 400, SECOND, False),
        (window_ms + 500, THIRD, False),
        (window_ms + 700, SECOND, False),
    ]
    for at_ms, proc, again in moments:
        if at_ms < nap_ms:
            field.pass_until_ms(begun_ms + at_ms)
            if again:
                field.redeliver(offer, proc)
            else:
                field.offer(proc, FINGERPRINT)
    field.pass_until_ms(begun_ms + nap_ms)


def _afterwards(field: Field, offer: Offer) -> None:
    """What the sleeper had begun comes to its end, and everybody is offered something once more."""
    field.wait(offer, timeout_s=PATIENCE_S)
    field.pass_ms(200)
    field.wait(field.redeliver(offer, OWNER), field.offer(SECOND, FINGERPRINT), timeout_s=PATIENCE_S)
