"""AD-05: a tenfold jump within 5 s that lasts 30 s, and a ramp over 5 min, each have their onset in time."""

from __future__ import annotations

import numpy as np
import pytest

from challenges.anomaly_detection.alerts import Declared
from challenges.anomaly_detection.gates import Gate, Scene, Wording, at, judged
from challenges.anomaly_detection.scenarios import SEEDS, SERVICES, first_step_s, must_strength
from challenges.anomaly_detection.traffic import Curve, Source, flat, generate
from harness.runtime.trial import Trial

P0, P1 = 0.005, 0.05
RISE_S, HELD_S = 5.0, 30.0
JUMP_RATES = dict(zip(SEEDS, (500.0, 520.0, 560.0, 600.0, 700.0), strict=True))
JUMP = "jump"
JUMP_WORDING = Wording(
    title="Tenfold within 5 s, held for 30 s",
    faults={JUMP: "a tenfold jump of the error share within 5 s, from 0.5 %, had no onset within 2 buckets + 5 s"},
    fine="tenfold jumps within 5 s had their onset",
)

RAMP_S = 300.0
RAMP_ALLOWED_S = 1.5 * RAMP_S
# Logs/s, the share of errors before the ramp, and the effect size at its end.
RAMPS = dict(
    zip(
        SEEDS,
        ((80.0, 0.005, 10.0), (100.0, 0.02, 9.0), (120.0, 0.05, 10.0), (90.0, 0.001, 12.0), (150.0, 0.1, 9.0)),
        strict=True,
    )
)
RAMP = "ramp"
RAMP_WORDING = Wording(
    title="Ramp over 5 min",
    faults={RAMP: "a ramp over 5 min up to MUST level had no onset within 1.5 times the ramp"},
    fine="ramps over 5 min had their onset",
)


def jump(key: str, declared: Declared, start_ms: int, rng: np.random.Generator) -> Scene:
    """The share rises evenly within 5 s. The time allowed runs from the moment at which it is ten times what it was, the
    onset may come from the beginning of the rise."""
    service = SERVICES[int(rng.random() * len(SERVICES))]
    rate = JUMP_RATES[key]
    from_s = first_step_s(declared, rng)
    full_s = from_s + RISE_S
    fall_s = full_s + HELD_S
    to_s = full_s + declared.onset_limit_ms / 1000
    curve = Curve(((from_s, P0), (full_s, P1), (fall_s, P1), (fall_s, P0)))
    return Scene(
        traffic=generate([Source(service, flat(rate), curve)], start_ms, to_s + 1, rng),
        gates=(Gate(JUMP, service, at(start_ms, from_s, to_s), "onset"),),
        truth=((at(start_ms, from_s, fall_s), f"errors {P0:.1%} -> {P1:.1%}"),),
        facts={"logs/s": rate, "p0": P0, "p1": P1, "rise_from_ms": at(start_ms, from_s, to_s).from_ms},
    )


def ramp(key: str, declared: Declared, start_ms: int, rng: np.random.Generator) -> Scene:
    """The share rises evenly for 5 min to a MUST level and stays there."""
    service = SERVICES[int(rng.random() * len(SERVICES))]
    strength = must_strength(*RAMPS[key])
    from_s = first_step_s(declared, rng)
    to_s = from_s + RAMP_ALLOWED_S
    curve = Curve(((from_s, strength.p0), (from_s + RAMP_S, strength.p1)))
    return Scene(
        traffic=generate([Source(service, flat(strength.rate), curve)], start_ms, to_s + 1, rng),
        gates=(Gate(RAMP, service, at(start_ms, from_s, to_s), "onset"),),
        truth=((at(start_ms, from_s, from_s + RAMP_S), f"errors {strength.p0:.1%} -> {strength.p1:.1%}"),),
        facts={
            "logs/s": strength.rate,
            "p0": strength.p0,
            "p1": round(strength.p1, 4),
            "ramp_from_ms": at(start_ms, from_s, to_s).from_ms,
        },
    )


@pytest.mark.requirement("AD-05")
def test_a_jump_is_detected(trial: Trial) -> None:
    judged(trial, "AD-05/jump", jump, JUMP_WORDING)


@pytest.mark.requirement("AD-05")
def test_a_ramp_is_detected(trial: Trial) -> None:
    judged(trial, "AD-05/ramp", ramp, RAMP_WORDING)
