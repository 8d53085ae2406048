"""AD-04: services at 0.1 % and at 20 % errors, both steady, stay silent; 20 % on the first of them alerts."""

from __future__ import annotations

import numpy as np
import pytest

from challenges.anomaly_detection.alerts import Declared
from challenges.anomaly_detection.gates import Gate, Scene, Wording, at, judged
from challenges.anomaly_detection.scenarios import SEEDS, SERVICES, must_strength
from challenges.anomaly_detection.traffic import Source, flat, generate, steps, z1
from harness.runtime.trial import Trial

CLEAN, FLAWED = 0.001, 0.20
# Logs/s of the clean service and of the flawed one: either may be the larger.
RATES = dict(zip(SEEDS, ((120.0, 60.0), (150.0, 90.0), (130.0, 160.0), (180.0, 60.0), (125.0, 120.0)), strict=True))
STEADY, RAISED = "both steady", "20 % on the first"
WORDING = Wording(
    title="0.1 % and 20 % side by side",
    faults={
        STEADY: "one of two steady services, at 0.1 % and at 20 % errors, raised an alert",
        RAISED: "20 % errors raised no alert in a service that had 0.1 %, with another at 20 % all along",
    },
    fine="steady services at 0.1 % and 20 % silent, 20 % on the first alerted",
)


def scene(key: str, declared: Declared, start_ms: int, rng: np.random.Generator) -> Scene:
    """Warm-up, then both steady for as long as a MUST step would be held, then the clean one rises to the flawed one's share."""
    clean, flawed = (SERVICES[n] for n in rng.permutation(len(SERVICES))[:2])
    rate, other_rate = RATES[key]
    must_strength(rate, CLEAN, z1(rate, CLEAN, FLAWED))
    warm_s = declared.warmup_ms / 1000
    step_s = warm_s + declared.hold_ms / 1000 + float(rng.random()) * 10.0
    end_s = step_s + declared.onset_limit_ms / 1000 + 1
    sources = [
        Source(clean, flat(rate), steps(CLEAN, (step_s, FLAWED))),
        Source(flawed, flat(other_rate), flat(FLAWED)),
    ]
    steady = at(start_ms, warm_s, step_s)
    risen = at(start_ms, step_s, step_s + declared.onset_limit_ms / 1000)
    return Scene(
        traffic=generate(sources, start_ms, end_s, rng),
        gates=(
            Gate(STEADY, clean, steady, "silence"),
            Gate(STEADY, flawed, steady, "silence"),
            Gate(RAISED, clean, risen, "alert"),
        ),
        truth=((at(start_ms, step_s, end_s), f"{clean}: errors {CLEAN:.1%} -> {FLAWED:.0%}"),),
        facts={"logs/s at 0.1 %": rate, "logs/s at 20 %": other_rate, "step_ms": risen.from_ms},
    )


@pytest.mark.requirement("AD-04")
def test_each_service_has_its_own_baseline(trial: Trial) -> None:
    judged(trial, "AD-04", scene, WORDING)
