"""AD-11: an hour without logs is silent at its end; after it, and a second warm-up, a MUST step is detected."""

from __future__ import annotations

import numpy as np
import pytest

from challenges.anomaly_detection.alerts import Declared
from challenges.anomaly_detection.gates import Gate, Scene, Wording, at, judged
from challenges.anomaly_detection.onsets import SILENCE_MS, VOLUME
from challenges.anomaly_detection.scenarios import SEEDS, SERVICES, SETTLE_S, first_step_s, must_strength
from challenges.anomaly_detection.traffic import Source, generate, steps
from harness.runtime.trial import Trial

GAP_S = 3600.0
RATE = 60.0
Z1 = 10.0
P0 = dict(zip(SEEDS, (0.05, 0.10, 0.02, 0.15, 0.20), strict=True))
END, AFTER = "end of the gap", "step after it"
WORDING = Wording(
    title="An hour without logs",
    faults={
        END: "the end of an hour without logs raised an alert that is not about the volume",
        AFTER: "a MUST step after an hour without logs and a second warm-up had no onset within 2 buckets + 5 s",
    },
    fine="silent at the end of an hour without logs, and the step after it detected",
)


def scene(key: str, declared: Declared, start_ms: int, rng: np.random.Generator) -> Scene:
    """Warm-up, an hour in which only ticks come, the same traffic again for a second warm-up, then a step.

    Its end is the time in which an alert about it would come: 2 buckets + 5 s, and no less than 30 s. That the traffic
    stopped and came back is a true word about the volume.
    """
    service = SERVICES[int(rng.random() * len(SERVICES))]
    strength = must_strength(RATE, P0[key], Z1)
    limit_s = declared.onset_limit_ms / 1000
    judged_s = max(limit_s, SILENCE_MS / 1000)
    gap_s = declared.warmup_ms / 1000 + SETTLE_S
    back_s = gap_s + GAP_S
    # The step counts its warm-up from the end of the gap, and comes no sooner than that end is judged.
    step_s = back_s + max(first_step_s(declared, rng), judged_s)
    end_s = step_s + limit_s + 1
    source = Source(
        service,
        steps(RATE, (gap_s, 0.0), (back_s, RATE)),
        steps(strength.p0, (step_s, strength.p1)),
    )
    return Scene(
        traffic=generate([source], start_ms, end_s, rng),
        gates=(
            Gate(END, service, at(start_ms, back_s, back_s + judged_s), "silence", frozenset({VOLUME})),
            Gate(AFTER, service, at(start_ms, step_s, step_s + limit_s), "onset"),
        ),
        truth=(
            (at(start_ms, gap_s, back_s), "no logs"),
            (at(start_ms, step_s, end_s), f"errors {strength.p0:.1%} -> {strength.p1:.1%}"),
        ),
        facts={
            "logs/s": RATE,
            "p0": strength.p0,
            "p1": round(strength.p1, 4),
            "gap_ends_ms": at(start_ms, back_s, end_s).from_ms,
            "step_ms": at(start_ms, step_s, end_s).from_ms,
        },
    )


@pytest.mark.requirement("AD-11")
def test_a_gap_is_no_anomaly(trial: Trial) -> None:
    judged(trial, "AD-11", scene, WORDING)
