"""AD-15: sources up to 3 s apart, so that logs arrive out of order: the same onsets within one bucket, and AD-01 holds.

Three hosts, of which two are behind by a half and by the whole of what is allowed. One service runs on all three, another
on the last alone; both take a MUST step. The same logs in order of their times are the run to compare with.
"""

from __future__ import annotations

from dataclasses import dataclass
from typing import Any

import numpy as np
import pytest

from challenges.anomaly_detection.alerts import Declared, SeenAlert
from challenges.anomaly_detection.cases import Case, Result, judge
from challenges.anomaly_detection.detector import Detector
from challenges.anomaly_detection.disorder import apart_ms, arrived, most_late_ms
from challenges.anomaly_detection.onsets import detection, onsets
from challenges.anomaly_detection.pairing import onset_changes
from challenges.anomaly_detection.pictures import timeline
from challenges.anomaly_detection.playback import Playback
from challenges.anomaly_detection.scenarios import SEEDS, Span, first_step_s, must_strength, spiky, stream_start_ms
from challenges.anomaly_detection.traffic import Traffic, generate
from harness.runtime.trial import Trial

SPREAD, BEHIND = "checkout", "billing"
HOSTS = 3
# Logs/s of each service and its steady share of errors, per seed.
RATE = 50.0
P0 = dict(zip(SEEDS, (0.001, 0.005, 0.02, 0.05, 0.10), strict=True))
Z1 = 20.0
VARIATION = "sources apart"


@dataclass(frozen=True, slots=True)
class Told:
    """One seed's logs in order of time and in order of arrival, and where onsets are compared and required."""

    ordered: Traffic
    disordered: Traffic
    declared: Declared
    apart_ms: int
    step: Span
    allowed: Span
    gated_ms: int

    def problems(self, first: list[SeenAlert], second: list[SeenAlert]) -> list[str]:
        """What went wrong in the run in order of arrival (the second)."""
        missed = [f"no onset for the MUST step of {name!r} in time" for name in self.undetected(second)]
        return missed + self.changes(first, second, SPREAD, 0) + self.changes(first, second, BEHIND, self.apart_ms)

    def changes(self, first: list[SeenAlert], second: list[SeenAlert], service: str, later_ms: int) -> list[str]:
        """How one service's onsets changed; no log of it can be seen before its first host hands it over, `later_ms` late."""
        mine = [[alert for alert in run if alert.service == service] for run in (first, second)]
        slack_ms, to_ms = self.declared.same_onset_ms, self.allowed.to_ms
        return onset_changes(
            mine[0], mine[1], slack_ms=slack_ms, later_ms=later_ms, from_ms=self.gated_ms, to_ms=to_ms
        ).phrases()

    def undetected(self, alerts: list[SeenAlert]) -> list[str]:
        """The services whose MUST step has no onset within the limit of AD-01."""
        found = onsets(alerts)
        span = self.allowed
        return [name for name in (SPREAD, BEHIND) if detection(found, name, span.from_ms, span.to_ms) is None]


def told(seed: str, declared: Declared, start_ms: int, rng: np.random.Generator) -> Told:
    """The stream of one seed."""
    step_s = first_step_s(declared, rng)
    limit_s = declared.onset_limit_ms / 1000
    apart = apart_ms(declared.lateness_ms)
    end_s = step_s + limit_s + (declared.same_onset_ms + apart) / 1000 + 1
    strength = must_strength(RATE, P0[seed], Z1)
    traffic = generate([spiky(name, strength, [(step_s, end_s)]) for name in (SPREAD, BEHIND)], start_ms, end_s, rng)
    host = np.where(traffic.service == traffic.services.index(BEHIND), HOSTS - 1, rng.integers(0, HOSTS, len(traffic)))
    step_ms = start_ms + round(step_s * 1000)
    return Told(
        ordered=traffic,
        disordered=arrived(traffic, (host * apart // (HOSTS - 1)).astype(np.int64)),
        declared=declared,
        apart_ms=apart,
        step=Span(step_ms, traffic.end_ms),
        allowed=Span(step_ms, step_ms + declared.onset_limit_ms),
        gated_ms=start_ms + declared.warmup_ms,
    )


def play(trial: Trial, case: Case) -> Result:
    """One seed: in order of arrival, and in order of time."""
    rng = trial.rng(f"AD-15/{case.seed}")
    start_ms = stream_start_ms(rng)
    first, second = Detector.start(trial, start_ms), Detector.start(trial, start_ms)
    one = told(case.seed, first.declared, start_ms, rng)
    for detector, traffic in ((first, one.ordered), (second, one.disordered)):
        detector.play(Playback(traffic))
        detector.close()
    unseen = one.undetected(first.alerts)
    problem = "" if unseen else "; ".join(one.problems(first.alerts, second.alerts)[:3])
    return Result(
        case,
        problem,
        told=not unseen,
        picture=picture(one, second.alerts),
        witness={
            "stream_start_ms": start_ms,
            "step_ms": one.step.from_ms,
            "most_late_ms": most_late_ms(one.disordered),
            "expected": f"onsets from {one.allowed.from_ms} to {one.allowed.to_ms}, as in the run in order of time",
            "in_order": [alert.shown() for alert in first.alerts if alert.seen_ms >= one.gated_ms][:2],
        },
    )


def picture(one: Told, alerts: list[SeenAlert]) -> dict[str, Any]:
    """The service that is wholly behind."""
    window = Span(max(one.ordered.start_ms, one.gated_ms - 30_000), one.ordered.end_ms)
    title = f"{BEHIND}: all its logs arrive {one.apart_ms} ms late"
    marks = [(one.step, "MUST step")]
    return timeline(title, one.ordered, BEHIND, alerts, truth=marks, allowed=[one.allowed], window=window)


@pytest.mark.requirement("AD-15")
def test_sources_apart(trial: Trial) -> None:
    ledger = judge(
        trial,
        [VARIATION],
        lambda case: play(trial, case),
        title="Logs in order of arrival",
        failure="sources whose clocks differ changed the onsets",
        untold="the MUST steps were missed with all logs in order of time too: there is nothing to compare",
    )
    late_ms = ledger.results[0].witness["most_late_ms"]
    trial.summary(f"logs up to {late_ms} ms late: every MUST step in time, and the same onsets as in order of time")
