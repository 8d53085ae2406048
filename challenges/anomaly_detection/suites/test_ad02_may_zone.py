"""AD-02 (graded): how many steps in the MAY zone are noticed, and how soon, as a curve against z1. It cannot fail."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass
from statistics import median
from typing import Any

import numpy as np
import pytest

from challenges.anomaly_detection.alerts import Declared
from challenges.anomaly_detection.detector import Detector
from challenges.anomaly_detection.gates import at
from challenges.anomaly_detection.onsets import Onset, detection, onsets
from challenges.anomaly_detection.pictures import timeline
from challenges.anomaly_detection.playback import Playback
from challenges.anomaly_detection.scenarios import (
    SERVICES,
    Span,
    Strength,
    delay_credit,
    first_step_s,
    spiky,
    stream_start_ms,
)
from challenges.anomaly_detection.traffic import generate, p1_for
from harness.runtime.trial import Trial, Undecided

Z1S = (3.0, 4.0, 5.0, 6.0, 7.0, 7.9)
# Services to which nothing happens: what is noticed there is chance.
PLACEBOS = 2
RATES = (60.0, 80.0, 100.0)
P0S = (0.005, 0.02, 0.05, 0.10)
QUICK_SEEDS, FULL_SEEDS = 3, 12
SPREAD_S = 40.0


@dataclass(frozen=True, slots=True)
class Tried:
    """One service: a step of size `z1` (0: none), the time in which an onset counts, and the onset."""

    key: str
    service: str
    strength: Strength
    z1: float
    span: Span
    onset: Onset | None

    @property
    def delay_s(self) -> float | None:
        return None if self.onset is None else (self.onset.seen_ms - self.span.from_ms) / 1000


def strengths(number: int, rng: np.random.Generator) -> list[tuple[float, Strength]]:
    """(z1, step) of every service of one seed; rates and shares differ from level to level and from seed to seed."""
    made = []
    for level, size in enumerate((*Z1S, *(0.0,) * PLACEBOS)):
        rate, p0 = RATES[(level + number) % len(RATES)], P0S[int(rng.random() * len(P0S))]
        made.append((size, Strength(rate, p0, p1_for(rate, p0, size, 0.0))))
    return made


def play(trial: Trial, key: str, number: int) -> tuple[list[Tried], dict[str, Any]]:
    """One seed on a process of its own, every step in a service and at a moment of its own; a picture of the weakest one."""
    rng = trial.rng(f"AD-02/{key}")
    start_ms = stream_start_ms(rng)
    detector = Detector.start(trial, start_ms)
    declared: Declared = detector.declared
    hold_s = declared.hold_ms / 1000
    names = [SERVICES[n] for n in rng.permutation(len(SERVICES))]
    begin_s = first_step_s(declared, rng)
    plan = [(names[i], z, s, begin_s + float(rng.random()) * SPREAD_S) for i, (z, s) in enumerate(strengths(number, rng))]
    sources = [spiky(name, strength, [(from_s, from_s + hold_s)]) for name, _, strength, from_s in plan]
    traffic = generate(sources, start_ms, begin_s + SPREAD_S + hold_s + 1, rng)
    detector.play(Playback(traffic))
    detector.close()
    found = onsets(detector.alerts)
    tried = []
    for name, size, strength, from_s in plan:
        span = at(start_ms, from_s, from_s + hold_s)
        tried.append(Tried(key, name, strength, size, span, detection(found, name, span.from_ms, span.to_ms)))
    weak = tried[0]
    picture = timeline(
        f"A step of z1 {weak.z1:g}, {key}: {'unnoticed' if weak.onset is None else f'onset after {weak.delay_s:.1f} s'}",
        traffic,
        weak.service,
        detector.alerts,
        truth=[(weak.span, f"errors {weak.strength.p0:.1%} -> {weak.strength.p1:.1%}")],
        allowed=[weak.span],
        window=Span(start_ms + declared.warmup_ms, traffic.end_ms),
    )
    return tried, picture


@dataclass(frozen=True, slots=True)
class Level:
    """All services of one z1: how many there were, how many were noticed, the median delay (s) and the mean credit."""

    z1: float
    steps: int
    noticed: int
    delay_s: float | None
    credit: float

    @property
    def recall(self) -> float:
        return self.noticed / self.steps


def curve(tried: Sequence[Tried]) -> list[Level]:
    """One level per z1, in order; 0 is the placebo."""
    levels = []
    for size in sorted({one.z1 for one in tried}):
        mine = [one for one in tried if one.z1 == size]
        delays = [one.delay_s for one in mine if one.delay_s is not None]
        credit = sum(map(delay_credit, delays)) / len(mine)
        levels.append(Level(size, len(mine), len(delays), median(delays) if delays else None, credit))
    return levels


def credit_of(levels: Sequence[Level]) -> float:
    """The mean over the levels of the MAY zone, less the share that chance alone brings (the recall of the placebo)."""
    chance = max((level.recall for level in levels if level.z1 == 0), default=0.0)
    real = [level.credit for level in levels if level.z1 > 0]
    return sum(real) / len(real) * (1 - chance)


def drawn(levels: Sequence[Level]) -> dict[str, Any]:
    """Recall, and the median delay where there is one, against z1."""
    return {
        "kind": "timeline",
        "title": "Steps in the MAY zone: recall and median delay against z1 (0: no step)",
        "unit": "z1",
        "t_s": [level.z1 for level in levels],
        "series": [
            {"label": "recall", "values": [round(level.recall, 3) for level in levels]},
            {"label": "median delay, s", "values": [level.delay_s for level in levels]},
        ],
    }


def table(levels: Sequence[Level]) -> dict[str, Any]:
    """The same in numbers."""
    rows = [
        [f"{v.z1:g}", v.steps, v.noticed, f"{v.recall:.0%}", "-" if v.delay_s is None else f"{v.delay_s:.1f} s"] for v in levels
    ]
    columns = ["z1", "steps", "noticed", "recall", "median delay"]
    return {"kind": "table", "title": "MAY zone", "columns": columns, "rows": rows}


@pytest.mark.requirement("AD-02")
def test_weaker_steps(trial: Trial) -> None:
    keys = [f"seed-{n}" for n in range(QUICK_SEEDS if trial.quick else FULL_SEEDS)]
    tried: list[Tried] = []
    pictures = []
    try:
        for key in trial.cases(keys):
            some, picture = play(trial, key, keys.index(key))
            tried += some
            pictures.append(picture)
    except Undecided:
        if not tried:
            raise
    levels = curve(tried)
    trial.evidence(drawn(levels))
    trial.evidence(table(levels))
    trial.evidence(pictures[0])
    trial.credit(credit_of(levels))
    told = ", ".join(f"{level.recall:.0%} at {level.z1:g}" for level in levels if level.z1 > 0)
    trial.summary(
        f"recall by z1: {told}; {sum(level.noticed for level in levels if level.z1 == 0)} onsets where nothing happened"
    )
