"""AD-10: no variance at all, then one stray error: silent; then 30 %: alerts. A service at 100 % errors: silent."""

from __future__ import annotations

import numpy as np
import pytest

from challenges.anomaly_detection.alerts import Declared
from challenges.anomaly_detection.gates import Gate, Scene, Wording, at, judged
from challenges.anomaly_detection.regular import Beat, one_stray, regular, risen
from challenges.anomaly_detection.scenarios import SEEDS, SERVICES, Strength
from challenges.anomaly_detection.traffic import merge
from harness.runtime.trial import Trial

CONSTANT_S = 600.0
STRAY_LOGS = 10_000
RAISED = 0.30
# Milliseconds between two logs, and every which of them is an error (0: none).
BEATS = dict(zip(SEEDS, ((10, 0), (8, 0), (10, 100), (10, 0), (8, 25)), strict=True))
ALWAYS = Beat("always-failing", 50, 1)
STRAY, HIGH, FULL = "one stray error", "then 30 %", "always 100 %"
WORDING = Wording(
    title="Exactly constant, then one stray error, then 30 %",
    faults={
        STRAY: "an exactly constant service, with one stray error in 10,000 logs at its end, raised an alert",
        FULL: "a service whose logs have all been errors from the first raised an alert",
        HIGH: "30 % errors raised no alert in a service whose share of errors had been exactly constant",
    },
    fine="silent at exactly constant rates, at one stray error and at 100 %; 30 % alerted",
)


def scene(key: str, declared: Declared, start_ms: int, rng: np.random.Generator) -> Scene:
    """Constant through the warm-up and 10 min; 10,000 logs with one error too many; and, not before an alert about that
    one would have come, 30 %."""
    service = SERVICES[int(rng.random() * len(SERVICES))]
    beat = Beat(service, *BEATS[key])
    if not Strength(beat.rate, beat.share, RAISED).is_must:
        raise ValueError(f"{beat} does not reach the MUST zone at {RAISED:.0%}")
    limit_ms = declared.onset_limit_ms
    constant_ms = start_ms + declared.warmup_ms + round(CONSTANT_S * 1000)
    stray_row = -(-(constant_ms - start_ms) // beat.gap_ms) + int(rng.random() * STRAY_LOGS)
    stray_ms = start_ms + stray_row * beat.gap_ms
    calm_ms = max(constant_ms + STRAY_LOGS * beat.gap_ms, stray_ms + limit_ms)
    step_ms = calm_ms + int(rng.random() * 10_000)
    end_ms = step_ms + limit_ms + 1000
    traffic, row = one_stray(regular(beat, start_ms, end_ms), stray_row)
    traffic = risen(traffic, step_ms, RAISED, rng)
    warm_s, step_s, end_s = (round((ms - start_ms) / 1000, 3) for ms in (start_ms + declared.warmup_ms, step_ms, end_ms))
    return Scene(
        traffic=merge([traffic, regular(ALWAYS, start_ms, end_ms)]),
        gates=(
            Gate(STRAY, service, at(start_ms, warm_s, step_s), "silence"),
            Gate(FULL, ALWAYS.service, at(start_ms, warm_s, step_s), "silence"),
            Gate(HIGH, service, at(start_ms, step_s, step_s + limit_ms / 1000), "alert"),
        ),
        truth=((at(start_ms, step_s, end_s), f"{service}: errors {beat.share:.0%} -> {RAISED:.0%}"),),
        facts={
            "logs/s": beat.rate,
            "share of errors": beat.share,
            "stray_error_ms": int(traffic.ts_ms[row]),
            "step_ms": step_ms,
        },
    )


@pytest.mark.requirement("AD-10")
def test_no_variance_is_no_trap(trial: Trial) -> None:
    judged(trial, "AD-10", scene, WORDING)
