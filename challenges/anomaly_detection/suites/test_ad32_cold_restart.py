"""AD-32: a restart without a snapshot raises at most one onset per service before its warm-up ends, unless half its logs are errors.

A process is killed in the middle of its stream and another goes on with nothing: healthy and sick services, one that is
just recovering, and one beyond the bound, of which nothing is asked.
"""

from __future__ import annotations

from typing import Any

import pytest

from challenges.anomaly_detection.alerts import Declared, SeenAlert
from challenges.anomaly_detection.cases import Case, Result, declared_by, judge
from challenges.anomaly_detection.detector import Detector
from challenges.anomaly_detection.onsets import Onset, onsets
from challenges.anomaly_detection.pictures import timeline
from challenges.anomaly_detection.playback import Playback
from challenges.anomaly_detection.restart import cut_at, kill
from challenges.anomaly_detection.scenarios import Span, stream_start_ms
from challenges.anomaly_detection.traffic import Source, Traffic, flat, generate, steps
from harness.runtime.trial import Trial

RATE = 40.0
BEFORE_S = 20.0
STEADY = {"checkout": 0.001, "search": 0.02, "payments": 0.10, "mailer": 0.25, "batch-import": 0.40}
RECOVERING, RECOVERS_AFTER_S, SICK_SHARE = "catalog", 15.0, 0.40
EXEMPT, EXEMPT_SHARE = "dead-letters", 0.60
VARIATION = "a cold restart"


def stream(trial: Trial, seed: str, declared: Declared) -> Traffic:
    """The logs of one seed: some before the restart, and a whole warm-up after it."""
    rng = trial.rng(f"AD-32/{seed}")
    recovery = steps(SICK_SHARE, (BEFORE_S + RECOVERS_AFTER_S, 0.01))
    made = [Source(name, flat(RATE), flat(share)) for name, share in STEADY.items()]
    made += [Source(RECOVERING, flat(RATE), recovery), Source(EXEMPT, flat(RATE), flat(EXEMPT_SHARE))]
    return generate(made, stream_start_ms(rng), BEFORE_S + declared.warmup_ms / 1000, rng)


def heard(trial: Trial, traffic: Traffic, restart_ms: int) -> list[SeenAlert]:
    """What the second process says before its warm-up ends."""
    requests = list(Playback(traffic))
    cut = cut_at(requests, restart_ms)
    first = Detector.start(trial, traffic.start_ms)
    first.play(requests[:cut])
    kill(first)
    second = Detector.start(trial, restart_ms)
    second.play(requests[cut:])
    second.close()
    return [alert for alert in second.alerts if alert.seen_ms < restart_ms + second.declared.warmup_ms]


def storms(alerts: list[SeenAlert]) -> dict[str, list[Onset]]:
    """The services with more than one onset, of all kinds together, but for the one beyond the bound."""
    found: dict[str, list[Onset]] = {}
    for onset in onsets(alerts):
        found.setdefault(onset.service, []).append(onset)
    return {name: several for name, several in found.items() if len(several) > 1 and name != EXEMPT}


def play(trial: Trial, case: Case, declared: Declared) -> Result:
    """One seed."""
    traffic = stream(trial, case.seed, declared)
    restart_ms = traffic.start_ms + round(BEFORE_S * 1000)
    alerts = heard(trial, traffic, restart_ms)
    noisy = storms(alerts)
    words = [f"{len(several)} onsets of {name!r}" for name, several in noisy.items()]
    return Result(
        case,
        "; ".join(words),
        picture=picture(traffic, restart_ms, alerts, next(iter(noisy), RECOVERING)),
        witness={
            "stream_start_ms": traffic.start_ms,
            "restart_ms": restart_ms,
            "warmup_ends_ms": restart_ms + declared.warmup_ms,
            "shares": {**STEADY, RECOVERING: f"{SICK_SHARE}, then 0.01"},
            "expected": "at most 1 onset per service before the warm-up ends",
            "onsets": [onset.alert.shown() for several in noisy.values() for onset in several][:3],
        },
    )


def picture(traffic: Traffic, restart_ms: int, alerts: list[SeenAlert], service: str) -> dict[str, Any]:
    """The noisiest service, or the one that recovers."""
    marks = [(Span(restart_ms, traffic.end_ms), "warm-up after the restart")]
    return timeline(f"{service}: a restart without a snapshot", traffic, service, alerts, truth=marks)


@pytest.mark.requirement("AD-32")
def test_cold_restart_raises_no_storm(trial: Trial) -> None:
    declared = declared_by(trial)
    judge(
        trial,
        [VARIATION],
        lambda case: play(trial, case, declared),
        title="Restarts without a snapshot",
        failure="a restart without a snapshot raised more than one onset of a service before the warm-up ended",
        untold="nothing could be told",
    )
    trial.summary(f"{len(STEADY) + 1} services after a cold restart: at most 1 onset each before the warm-up ends")
