"""AD-06: five times the traffic at an equal share of errors causes no alert but of kind `volume`."""

from __future__ import annotations

import numpy as np
import pytest

from challenges.anomaly_detection.alerts import Declared
from challenges.anomaly_detection.gates import Gate, Scene, Wording, at, judged
from challenges.anomaly_detection.onsets import VOLUME
from challenges.anomaly_detection.scenarios import SEEDS, SERVICES, first_step_s
from challenges.anomaly_detection.traffic import Source, flat, generate, steps
from harness.runtime.trial import Trial

TIMES = 5.0
# Logs/s before, and the share of errors throughout.
REGIMES = dict(zip(SEEDS, ((100.0, 0.02), (60.0, 0.10), (80.0, 0.05), (100.0, 0.20), (70.0, 0.01)), strict=True))
MORE = "five times the traffic"
WORDING = Wording(
    title="Five times the traffic, the same share of errors",
    faults={MORE: "five times the traffic at an equal share of errors raised an alert that is not about the volume"},
    fine="five times the traffic raised no alert but of kind volume",
)


def scene(key: str, declared: Declared, start_ms: int, rng: np.random.Generator) -> Scene:
    """Steady, then five times the rate at once, for as long as a MUST step would be held."""
    service = SERVICES[int(rng.random() * len(SERVICES))]
    rate, share = REGIMES[key]
    from_s = first_step_s(declared, rng)
    to_s = from_s + declared.hold_ms / 1000
    more = at(start_ms, from_s, to_s)
    return Scene(
        traffic=generate([Source(service, steps(rate, (from_s, TIMES * rate)), flat(share))], start_ms, to_s, rng),
        gates=(Gate(MORE, service, more, "silence", frozenset({VOLUME})),),
        truth=((more, f"{rate:g} -> {TIMES * rate:g} logs/s, errors {share:.0%} all along"),),
        facts={"logs/s before": rate, "logs/s after": TIMES * rate, "share of errors": share, "from_ms": more.from_ms},
    )


@pytest.mark.requirement("AD-06")
def test_traffic_alone_is_no_anomaly(trial: Trial) -> None:
    judged(trial, "AD-06", scene, WORDING)
