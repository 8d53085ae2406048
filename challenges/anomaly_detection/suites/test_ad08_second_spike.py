"""AD-08: the same spike a second time, 20 min after the end of the first, is detected like the first.

Between the two lies midnight (UTC), so that who tells time by the hour of the day has to get over it.
"""

from __future__ import annotations

from dataclasses import dataclass

import pytest

from challenges.anomaly_detection.alerts import Declared, SeenAlert
from challenges.anomaly_detection.cases import declared_by
from challenges.anomaly_detection.detector import Detector
from challenges.anomaly_detection.onsets import Onset, onsets
from challenges.anomaly_detection.pictures import story_timeline
from challenges.anomaly_detection.scenarios import (
    SEEDS,
    Story,
    first_step_s,
    gather,
    must_strength,
    start_before_midnight_ms,
    story,
)
from harness.runtime.trial import Trial, Violation

PAUSE_S = 1200.0
RATE = 60.0
# Steady share of errors per seed, and an effect size well inside the MUST zone: the question is the second time.
P0 = dict(zip(SEEDS, (0.001, 0.005, 0.01, 0.03, 0.08), strict=True))
Z1 = 12.0
WHICH = ("first", "second")


@dataclass(frozen=True, slots=True)
class Seen:
    """One seed's story, and for each of its two spikes the onset that detected it."""

    story: Story
    alerts: list[SeenAlert]
    found: list[Onset | None]

    @property
    def missed(self) -> list[str]:
        return [which for which, onset in zip(WHICH, self.found, strict=True) if onset is None]


def play(trial: Trial, key: str, declared: Declared) -> Seen:
    """One seed on a process of its own, up to the second onset or the end of the time allowed for it."""
    rng = trial.rng(f"AD-08/{key}")
    strength = must_strength(RATE, P0[key], Z1)
    first_s = first_step_s(declared, rng)
    calm_s = first_s + declared.hold_ms / 1000
    second_s = calm_s + PAUSE_S
    end_s = second_s + declared.onset_limit_ms / 1000 + 1
    spikes_s = [(first_s, calm_s), (second_s, end_s)]
    start_ms = start_before_midnight_ms(rng, calm_s + PAUSE_S * (0.25 + rng.random() / 2))
    detector = Detector.start(trial, start_ms)
    told = story(key, strength, spikes_s, start_ms=start_ms, end_s=end_s, declared=declared, rng=rng)
    detector.play(told.playback, until=told.stops_at(1))
    detector.close()
    return Seen(told, detector.alerts, told.detections(onsets(detector.alerts)))


@pytest.mark.requirement("AD-08")
def test_second_spike_is_detected(trial: Trial) -> None:
    declared = declared_by(trial)
    seen = gather(trial, trial.cases(SEEDS), lambda on, key: play(on, key, declared), lambda one: bool(one.missed))
    wrong = [one for one in seen if one.missed]
    shown = (wrong or seen)[0]
    what = f"{' and '.join(shown.missed)} missed" if shown.missed else "both detected"
    trial.evidence(story_timeline(f"The same spike twice, {shown.story.key}: {what}", shown.story, shown.alerts))
    if trial.fails(len(wrong), len(seen)):
        raise violation(wrong, len(seen))
    trial.credit(1 - len(wrong) / len(seen))
    trial.summary(f"both spikes, 20 min apart, detected in {len(seen) - len(wrong)} of {len(seen)} seeds")


def violation(wrong: list[Seen], of: int) -> Violation:
    """The failure, with the first seed that went wrong as its witness."""
    first = wrong[0]
    allowed = first.story.allowed[WHICH.index(first.missed[0])]
    second_only = sum(one.missed == ["second"] for one in wrong)
    return Violation(
        f"of the same spike twice, 20 min apart, one or both had no onset in {len(wrong)} of {of} seeds "
        f"(in {second_only} the second alone)",
        credit=1 - len(wrong) / of,
        witness={
            **first.story.witness(),
            "missed": {one.story.key: one.missed for one in wrong},
            "expected": f"an onset for {first.story.service!r} from {allowed.from_ms} to {allowed.to_ms}",
            "got": [None if onset is None else onset.alert.shown() for onset in first.found],
        },
    )
