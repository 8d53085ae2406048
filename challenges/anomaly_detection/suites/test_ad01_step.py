"""AD-01: a step in the MUST zone has an onset within 2 x bucket + 5 s; credit falls with the raw delay."""

from __future__ import annotations

from dataclasses import dataclass

import numpy as np
import pytest

from challenges.anomaly_detection.alerts import SeenAlert
from challenges.anomaly_detection.detector import Detector
from challenges.anomaly_detection.onsets import SILENCE_MS, Onset, alerted, onsets
from challenges.anomaly_detection.pictures import story_timeline
from challenges.anomaly_detection.scenarios import (
    SEEDS,
    Story,
    Strength,
    delay_credit,
    first_step_s,
    gather,
    must_strength,
    story,
    stream_start_ms,
)
from harness.runtime.trial import Trial, Violation

# Logs/s and steady share of errors, one pair a seed: small and large services, good and bad baselines.
REGIMES = {
    SEEDS[0]: (80.0, 0.001),
    SEEDS[1]: (150.0, 0.01),
    SEEDS[2]: (300.0, 0.05),
    SEEDS[3]: (600.0, 0.20),
    SEEDS[4]: (1000.0, 0.005),
}
Z1_FROM, Z1_TO = 8.5, 25.0
# On the worst baseline a step of that size is far from twice the share, and plain to see all the same.
Z1_TO_ON_THE_WORST = 12.0
DRAWS = 5


@dataclass(frozen=True, slots=True)
class Seen:
    """One seed's story and what the candidate made of it."""

    story: Story
    alerts: list[SeenAlert]
    onset: Onset | None

    @property
    def delay_s(self) -> float | None:
        """From the step to the moment the onset was seen."""
        return None if self.onset is None else (self.onset.seen_ms - self.story.spikes[0].from_ms) / 1000

    @property
    def alerting_before(self) -> bool:
        """Whether false alarms of the last 30 s before the step kept its alerts from being an onset."""
        step_ms = self.story.spikes[0].from_ms
        return alerted(self.alerts, self.story.service, step_ms - SILENCE_MS, step_ms - 1) is not None


def strength_of(seed: str, rng: np.random.Generator) -> Strength:
    """A seed's step: barely in the MUST zone, or well within it."""
    rate, p0 = REGIMES[seed]
    to = Z1_TO_ON_THE_WORST if p0 == max(p0 for _, p0 in REGIMES.values()) else Z1_TO
    return must_strength(rate, p0, Z1_FROM + float(rng.random()) * (to - Z1_FROM))


def play(trial: Trial, key: str, strength: Strength | None = None) -> Seen:
    """One seed on a process of its own, up to the onset or the end of the time allowed for it; a step of that strength, if given."""
    rng = trial.rng(f"AD-01/{key}")
    start_ms = stream_start_ms(rng)
    detector = Detector.start(trial, start_ms)
    declared = detector.declared
    strength = strength or strength_of(key, rng)
    step_s = first_step_s(declared, rng)
    end_s = step_s + declared.onset_limit_ms / 1000 + 1
    told = story(key, strength, [(step_s, end_s)], start_ms=start_ms, end_s=end_s, declared=declared, rng=rng)
    detector.play(told.playback, until=told.stops_at(0))
    detector.close()
    return Seen(told, detector.alerts, told.detections(onsets(detector.alerts))[0])


def again(trial: Trial, first: Seen) -> list[Seen]:
    """A step that was missed, and others of its strength in services of its kind, as far as that decides."""
    seen, most_right = [first], DRAWS // 2
    for number in range(1, DRAWS):
        seen.append(play(trial, f"{first.story.key}/draw-{number}", first.story.strength))
        missed = sum(one.onset is None for one in seen)
        if trial.fails(missed, DRAWS) or len(seen) - missed > most_right:
            break
    return seen


@pytest.mark.requirement("AD-01")
def test_step_is_detected(trial: Trial) -> None:
    seen = gather(trial, trial.cases(SEEDS), play, lambda one: one.onset is None)
    wrong = [one for one in seen if one.onset is None]
    shown = (wrong or seen)[0]
    what = "missed" if wrong else f"onset after {shown.delay_s:.1f} s"
    trial.evidence(story_timeline(f"MUST step, {shown.story.key}: {what}", shown.story, shown.alerts))
    trial.evidence(table(seen))
    limit_s = (shown.story.allowed[0].to_ms - shown.story.allowed[0].from_ms) / 1000
    delays = [one.delay_s for one in seen if one.delay_s is not None]
    credit = sum(map(delay_credit, delays)) / len(seen)
    if trial.fails(len(wrong), len(seen)):
        raise violation(wrong, len(seen), limit_s, credit)
    for first in wrong:
        draws = again(trial, first)
        missed = [one for one in draws if one.onset is None]
        if trial.fails(len(missed), DRAWS):
            trial.evidence(table(draws))
            raise violation(missed, len(draws), limit_s, credit)
    trial.credit(credit)
    trial.summary(f"{len(delays)} of {len(seen)} steps detected within {limit_s:g} s, the slowest after {max(delays):.1f} s")


def table(seen: list[Seen]) -> dict[str, object]:
    """What was injected in each seed, and the delay."""
    rows = [
        [
            one.story.key,
            one.story.strength.rate,
            f"{one.story.strength.p0:.2%}",
            f"{one.story.strength.p1:.2%}",
            round(one.story.strength.z1, 1),
            "missed" if one.delay_s is None else f"{one.delay_s:.1f} s",
        ]
        for one in seen
    ]
    return {"kind": "table", "title": "Steps", "columns": ["seed", "logs/s", "p0", "p1", "z1", "delay"], "rows": rows}


def violation(wrong: list[Seen], of: int, limit_s: float, credit: float) -> Violation:
    """The failure, with the first missed step as its witness."""
    first = wrong[0]
    late = [a.shown() for a in first.alerts if a.service == first.story.service and a.seen_ms >= first.story.spikes[0].from_ms]
    step_ms = first.story.spikes[0].from_ms
    masked = sum(one.alerting_before for one in wrong)
    noisy = f"; in {masked} it was alerting already when the step began" if masked else ""
    return Violation(
        f"{len(wrong)} of {of} steps in the MUST zone had no onset within {limit_s:g} s{noisy} "
        f"(first: {first.story.strength.rate:g} logs/s, errors {first.story.strength.p0:.1%} -> {first.story.strength.p1:.1%})",
        credit=credit,
        witness={
            **first.story.witness(),
            "cases": [first.story.key.partition("/")[0]],
            "missed": [one.story.key for one in wrong],
            "expected": f"an onset for {first.story.service!r} (any kind but volume) from {step_ms} to {step_ms + round(limit_s * 1000)}",
            "got": late[:3] or f"no alert for {first.story.service!r} after the step",
        },
    )
