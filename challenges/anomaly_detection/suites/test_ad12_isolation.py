"""AD-12: interleaving, renaming or adding other services changes a service's onsets by at most one bucket.

One service with one MUST step is played alone, and then again, log for log the same, in other company or under another
name. Logs share their times with those of the others, so that these can stand before or after it without any being late.
"""

from __future__ import annotations

from collections.abc import Callable
from dataclasses import dataclass, replace
from functools import cache
from typing import Any

import pytest

from challenges.anomaly_detection.alerts import SeenAlert
from challenges.anomaly_detection.cases import Case, Result, judge
from challenges.anomaly_detection.detector import Detector
from challenges.anomaly_detection.pairing import onset_changes
from challenges.anomaly_detection.pictures import timeline
from challenges.anomaly_detection.playback import Playback
from challenges.anomaly_detection.scenarios import Span, Strength, first_step_s, spiky, stream_start_ms
from challenges.anomaly_detection.traffic import Source, Traffic, flat, generate, merge, steps, with_ties
from harness.runtime.trial import Trial

SERVICE = "checkout"
OTHER_NAME = "ταμείο/eu:2"
STRENGTH = Strength(rate=50.0, p0=0.01, p1=0.55)
TIE_MS = 50
# The neighbour's incident begins this long before the service's own: its alert comes some time before, or just before.
LEADS_S, CLOSE_LEADS_S = 15.0, 4.0
CROWD, CROWD_RATE, CROWD_LEADS_S = 200, 0.4, 10.0
MEANT = "the onsets that the service has alone, each within one bucket"


@dataclass(frozen=True, slots=True)
class Alone:
    """One seed's service by itself: its logs, when it steps, and what the candidate said of it."""

    traffic: Traffic
    step_s: float
    gated_ms: int
    compared_to_ms: int
    slack_ms: int
    alerts: list[SeenAlert]

    @property
    def step(self) -> Span:
        return Span(self.traffic.start_ms + round(self.step_s * 1000), self.traffic.end_ms)


def heard(trial: Trial, traffic: Traffic, service: str) -> list[SeenAlert]:
    """What a fresh process says of one service, under the service's usual name."""
    detector = Detector.start(trial, traffic.start_ms)
    detector.play(Playback(traffic))
    detector.close()
    return [replace(alert, service=SERVICE) for alert in detector.alerts if alert.service == service]


def alone(trial: Trial, seed: str) -> Alone:
    """The service by itself."""
    rng = trial.rng(f"AD-12/{seed}")
    start_ms = stream_start_ms(rng)
    detector = Detector.start(trial, start_ms)
    declared = detector.declared
    step_s = first_step_s(declared, rng)
    compared_to_s = step_s + declared.onset_limit_ms / 1000
    end_s = compared_to_s + declared.same_onset_ms / 1000 + 1
    traffic = with_ties(generate([spiky(SERVICE, STRENGTH, [(step_s, end_s)])], start_ms, end_s, rng), TIE_MS)
    detector.play(Playback(traffic))
    detector.close()
    return Alone(
        traffic=traffic,
        step_s=step_s,
        gated_ms=start_ms + declared.warmup_ms,
        compared_to_ms=start_ms + round(compared_to_s * 1000),
        slack_ms=declared.same_onset_ms,
        alerts=[alert for alert in detector.alerts if alert.service == SERVICE],
    )


def company(trial: Trial, seed: str, base: Alone, made: list[Source]) -> Traffic:
    """The logs of other services over the same time."""
    length_s = (base.traffic.end_ms - base.traffic.start_ms) / 1000
    return with_ties(generate(made, base.traffic.start_ms, length_s, trial.rng(f"AD-12/{seed}/company")), TIE_MS)


def neighbours(trial: Trial, seed: str, base: Alone, lead_s: float) -> Traffic:
    """A busy service, a sick one, one whose name begins like the service's, and one with an incident just before."""
    incident = (max(0.0, base.step_s - lead_s), base.step_s + 10_000)
    made = [
        Source("search", flat(60.0), flat(0.002)),
        Source("mailer", flat(10.0), flat(0.4)),
        Source(f"{SERVICE}-2", flat(10.0), flat(0.05)),
        spiky("payments", Strength(40.0, 0.01, 0.7), [incident]),
    ]
    return company(trial, seed, base, made)


def crowd(trial: Trial, seed: str, base: Alone) -> Traffic:
    """Very many small services, all of them new shortly before the step."""
    rate = steps(0.0, (base.step_s - CROWD_LEADS_S, CROWD_RATE))
    return company(trial, seed, base, [Source(f"worker-{n}", rate, flat(0.02)) for n in range(CROWD)])


VARIATIONS: dict[str, Callable[[Trial, str, Alone], Traffic]] = {
    "added": lambda trial, seed, base: merge([base.traffic, neighbours(trial, seed, base, LEADS_S)]),
    "interleaved": lambda trial, seed, base: merge([neighbours(trial, seed, base, CLOSE_LEADS_S), base.traffic]),
    "renamed": lambda _trial, _seed, base: replace(base.traffic, services=(OTHER_NAME,)),
    "crowd": lambda trial, seed, base: merge([crowd(trial, seed, base), base.traffic]),
}


def compared(trial: Trial, case: Case, base: Alone) -> Result:
    """One variation against the service alone."""
    if not any(base.gated_ms <= alert.seen_ms <= base.compared_to_ms for alert in base.alerts):
        return Result(case, told=False, picture=picture("alone", base, base.traffic, base.alerts))
    traffic = VARIATIONS[case.variation](trial, case.seed, base)
    alerts = heard(trial, traffic, OTHER_NAME if case.variation == "renamed" else SERVICE)
    changes = onset_changes(base.alerts, alerts, slack_ms=base.slack_ms, from_ms=base.gated_ms, to_ms=base.compared_to_ms)
    return Result(
        case,
        "; ".join(changes.phrases()[:3]),
        picture=picture(case.variation, base, base.traffic, alerts),
        witness={
            "service": SERVICE,
            "services_beside_it": [name[:40] for name in traffic.services if name != SERVICE][:6],
            "stream_start_ms": traffic.start_ms,
            "step_ms": base.step.from_ms,
            "slack_ms": base.slack_ms,
            "expected": MEANT,
            "alone": [alert.shown() for alert in base.alerts if alert.seen_ms >= base.gated_ms][:2],
        },
    )


def picture(what: str, base: Alone, traffic: Traffic, alerts: list[SeenAlert]) -> dict[str, Any]:
    """The service's own traffic, with the alerts of one run."""
    window = Span(max(traffic.start_ms, base.gated_ms - 30_000), traffic.end_ms)
    return timeline(f"{SERVICE}: {what}", traffic, SERVICE, alerts, truth=[(base.step, "MUST step")], window=window)


@pytest.mark.requirement("AD-12")
def test_services_do_not_disturb_each_other(trial: Trial) -> None:
    base_of = cache(lambda seed: alone(trial, seed))
    ledger = judge(
        trial,
        list(VARIATIONS),
        lambda case: compared(trial, case, base_of(case.seed)),
        title="The same service in other company",
        failure="other services, or another name, changed a service's onsets by more than a bucket",
        untold="the candidate sent no alert for the MUST step of a service alone: there is nothing to compare",
    )
    trial.summary(f"a service's onsets stay within one bucket in {len(ledger.variations)} variations of its company")
