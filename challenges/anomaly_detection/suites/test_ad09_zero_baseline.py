"""AD-09: no errors at all, then a spike: alerts; and every score and message along the way is finite and within reason."""

from __future__ import annotations

from collections.abc import Callable
from dataclasses import dataclass

import numpy as np
import pytest

from challenges.anomaly_detection.alerts import Declared, SeenAlert
from challenges.anomaly_detection.detector import Detector
from challenges.anomaly_detection.hygiene import first_faulty
from challenges.anomaly_detection.onsets import Onset, onsets
from challenges.anomaly_detection.pictures import story_timeline, timeline
from challenges.anomaly_detection.playback import Playback
from challenges.anomaly_detection.scenarios import (
    SEEDS,
    Span,
    Story,
    Strength,
    first_step_s,
    gather,
    story,
    stream_start_ms,
)
from challenges.anomaly_detection.traffic import Curve, Source, Traffic, flat, generate, steps
from harness.runtime.trial import Trial, Violation

SPIKE = Strength(rate=60.0, p0=0.0, p1=0.5)
AFTER_S = 30.0


@dataclass(frozen=True, slots=True)
class Seen:
    """One seed's story, all alerts, and the onset that detected the spike."""

    story: Story
    alerts: list[SeenAlert]
    onset: Onset | None


def play(trial: Trial, key: str) -> Seen:
    """One seed on a process of its own; it goes on 30 s beyond the allowed time, for what is said meanwhile."""
    rng = trial.rng(f"AD-09/{key}")
    start_ms = stream_start_ms(rng)
    detector = Detector.start(trial, start_ms)
    declared = detector.declared
    step_s = first_step_s(declared, rng)
    end_s = step_s + declared.onset_limit_ms / 1000 + AFTER_S
    told = story(key, SPIKE, [(step_s, end_s)], start_ms=start_ms, end_s=end_s, declared=declared, rng=rng)
    detector.play(told.playback)
    detector.close()
    return Seen(told, detector.alerts, told.detections(onsets(detector.alerts))[0])


def play_finite(trial: Trial, key: str) -> Seen:
    """As `play`. Raises Violation for an alert that is not fit for an operator."""
    one = play(trial, key)
    check_finite(key, [a for a in one.alerts if a.seen_ms >= one.story.gated_ms])
    return one


@pytest.mark.requirement("AD-09")
def test_zero_baseline_then_spike(trial: Trial) -> None:
    seen = gather(trial, trial.cases(SEEDS), play_finite, lambda one: one.onset is None)
    wrong = [one for one in seen if one.onset is None]
    shown = (wrong or seen)[0]
    what = "missed" if wrong else "detected"
    trial.evidence(story_timeline(f"No errors, then half, {shown.story.key}: {what}", shown.story, shown.alerts))
    if trial.fails(len(wrong), len(seen)):
        allowed = wrong[0].story.allowed[0]
        raise Violation(
            f"{len(wrong)} of {len(seen)} services without any error went unnoticed when half of their logs became errors",
            credit=1 - len(wrong) / len(seen),
            witness={
                **wrong[0].story.witness(),
                "missed": [one.story.key for one in wrong],
                "expected": f"an onset for {wrong[0].story.service!r} from {allowed.from_ms} to {allowed.to_ms}",
                "got": [a.shown() for a in wrong[0].alerts[-3:]] or "no alert",
            },
        )
    trial.credit(1 - len(wrong) / len(seen))
    trial.summary(
        f"spikes from zero detected in {len(seen) - len(wrong)} of {len(seen)} seeds; every score and message was finite"
    )


def check_finite(key: str, alerts: list[SeenAlert]) -> None:
    """Raises Violation for the first alert whose score or message is not fit for an operator."""
    faulty = first_faulty(alerts)
    if faulty is None:
        return
    alert, found = faulty
    raise Violation(
        f"an alert {found[0]}: {alert.message[:120]!r}",
        witness={
            "cases": [key],
            "expected": "scores that are finite; messages without NaN or Infinity and with ratios up to 10,000",
            "got": alert.shown(),
            "faults": found,
        },
    )


# Each makes the services of one edge case from (the second at which it happens, that of the end).
EDGES: dict[str, Callable[[float, float], list[Source]]] = {
    "all-errors": lambda at, end: [Source("checkout", flat(60.0), steps(0.0, (at, 1.0)))],
    "first-logs-are-errors": lambda at, end: [
        Source("steady", flat(20.0), flat(0.01)),
        Source("newcomer", steps(0.0, (at, 80.0)), flat(1.0)),
    ],
    "silence-then-burst": lambda at, end: [
        Source("steady", flat(20.0), flat(0.01)),
        Source("sleeper", steps(20.0, (at - 20.0, 0.0), (at, 400.0)), flat(0.02)),
    ],
    "silence-then-errors": lambda at, end: [
        Source("steady", flat(20.0), flat(0.01)),
        Source("sleeper", steps(20.0, (at - 20.0, 0.0), (at, 80.0)), steps(0.0, (at, 0.8))),
    ],
    "errors-then-none": lambda at, end: [
        Source("healing", flat(60.0), Curve(((at, 0.6), (at, 0.0), (end - 10.0, 0.0), (end - 10.0, 0.6))))
    ],
    "one-log-a-minute": lambda at, end: [
        Source("steady", flat(20.0), flat(0.0)),
        Source("rare", flat(1 / 60), steps(0.0, (at, 1.0))),
    ],
}


def edge_traffic(name: str, declared: Declared, start_ms: int, rng: np.random.Generator) -> tuple[Traffic, int]:
    """The traffic of one edge case, and when it happens (epoch ms)."""
    at_s = first_step_s(declared, rng)
    end_s = at_s + declared.onset_limit_ms / 1000 + AFTER_S
    return generate(EDGES[name](at_s, end_s), start_ms, end_s, rng), start_ms + round(at_s * 1000)


@pytest.mark.requirement("AD-09")
def test_numbers_stay_finite(trial: Trial) -> None:
    cases = trial.cases(tuple(EDGES))
    heard = 0
    for number, name in enumerate(cases):
        rng = trial.rng(f"AD-09/{name}")
        start_ms = stream_start_ms(rng)
        detector = Detector.start(trial, start_ms)
        traffic, at_ms = edge_traffic(name, detector.declared, start_ms, rng)
        detector.play(Playback(traffic))
        detector.close()
        gated = [a for a in detector.alerts if a.seen_ms >= start_ms + detector.declared.warmup_ms]
        heard += len(gated)
        if first_faulty(gated) is not None or number == 0:
            trial.evidence(edge_picture(name, traffic, at_ms, gated))
        check_finite(name, gated)
    trial.summary(f"{heard} alerts over {len(cases)} edge cases, all with finite scores and messages")


def edge_picture(name: str, traffic: Traffic, at_ms: int, alerts: list[SeenAlert]) -> dict[str, object]:
    """The service of an edge case that the story is about: the last one."""
    window = Span(max(traffic.start_ms, at_ms - 60_000), traffic.end_ms)
    truth = [(Span(at_ms, traffic.end_ms), name.replace("-", " "))]
    return timeline(f"Edge case: {name.replace('-', ' ')}", traffic, traffic.services[-1], alerts, truth=truth, window=window)
