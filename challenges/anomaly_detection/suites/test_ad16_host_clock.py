"""AD-16: the host's own clock steps by +-3 s and +-1 h and strobes while the stream goes on: AD-01 and AD-03 hold.

For AD-01 the clock goes wrong shortly before a MUST step, in each way on each seed, and an hour back before a second one. For AD-03 it goes wrong and right
again in all ways, one after the other, over stationary traffic of more than 500 logs/s. Where something goes wrong the
same stream under a right clock is the control: what is wrong there too is not the clock's doing.
"""

from __future__ import annotations

from dataclasses import dataclass
from functools import cache
from typing import Any

import pytest

from challenges.anomaly_detection.alerts import Declared, SeenAlert
from challenges.anomaly_detection.cases import NEEDED, Case, Result, decide, declared_by, judge, run_cases
from challenges.anomaly_detection.hostclock import CLOCKS, OFFSETS_MS, HostClock, SkewedDetector, prove, stepping
from challenges.anomaly_detection.onsets import Onset, detection, onsets
from challenges.anomaly_detection.pictures import story_timeline, timeline
from challenges.anomaly_detection.playback import Playback
from challenges.anomaly_detection.scenarios import (
    SEEDS,
    SETTLE_S,
    Span,
    Story,
    first_step_s,
    must_strength,
    step_story,
    story,
    stream_start_ms,
)
from challenges.anomaly_detection.traffic import Source, Traffic, flat, generate
from harness.runtime.trial import Trial

# Logs/s of the service that steps, and its steady share of errors per seed.
RATE = 50.0
P0 = dict(zip(SEEDS, (0.001, 0.01, 0.05, 0.005, 0.02), strict=True))
Z1 = 15.0
# How long before the step the clock goes wrong, in seconds: the least, and what chance adds.
LEAD_S, MORE_LEAD_S = 2.0, 10.0
STEADY_RATE = 505.0
STEADY_P0 = dict(zip(SEEDS, (0.001, 0.005, 0.02, 0.06, 0.20), strict=True))
QUICK_STRETCH_S, FULL_STRETCH_S = 15.0, 60.0
TOUR = "a tour of wrong clocks"
BACK = "-1 h"
AFTER_ALERT = f"{BACK}, after an alert"
CALM_S = 360.0
RIGHT = HostClock()


# -- AD-01 under a wrong clock ---------------------------------------------------------------------------------------------------


def told_by(trial: Trial, seed: str, declared: Declared) -> Story:
    """One seed's MUST step, as long as the limit of AD-01 for what this candidate declares."""
    return step_story(seed, must_strength(RATE, P0[seed], Z1), declared, trial.rng(f"AD-16/{seed}"))


def told_twice(trial: Trial, seed: str, declared: Declared) -> Story:
    """The same with an earlier one, long enough for its alert, and a calm between them."""
    rng = trial.rng(f"AD-16/twice/{seed}")
    start_ms = stream_start_ms(rng)
    limit_s = declared.onset_limit_ms / 1000
    first_s = first_step_s(declared, rng)
    first_end_s = first_s + limit_s + 8
    second_s = first_end_s + CALM_S
    end_s = second_s + limit_s + 1
    strength = must_strength(RATE, P0[seed], Z1)
    spikes_s = [(first_s, first_end_s), (second_s, end_s)]
    return story(seed, strength, spikes_s, start_ms=start_ms, end_s=end_s, declared=declared, rng=rng)


def clock_of(trial: Trial, case: Case, told: Story) -> HostClock:
    """A clock that goes wrong shortly before the (last) step, never before the end of the warm-up."""
    rng = trial.rng(f"AD-16/{case.key}")
    lead_ms = round((LEAD_S + float(rng.random()) * MORE_LEAD_S) * 1000)
    from_ms = max(told.gated_ms, told.spikes[-1].from_ms - lead_ms)
    way = BACK if case.variation == AFTER_ALERT else case.variation
    return HostClock(stepping(way, from_ms, told.traffic.end_ms, rng))


def onset_under(trial: Trial, told: Story, clock: HostClock) -> tuple[Onset | None, list[SeenAlert]]:
    """The onset that detects the (last) step, and all alerts up to it.

    Alerts before the step are left out of it: one that a wrong clock caused just then does not make it unseen, and is the
    affair of the other test.
    """
    span = told.allowed[-1]

    def detects(alert: SeenAlert) -> bool:
        return detection([Onset(alert)], told.service, span.from_ms, span.to_ms) is not None

    detector = SkewedDetector.under(clock, trial, told.traffic.start_ms)
    detector.play(told.playback, until=detects)
    detector.close()
    return next((Onset(alert) for alert in detector.alerts if detects(alert)), None), detector.alerts


def step_case(trial: Trial, case: Case, told: Story) -> Result:
    """One clock on one seed."""
    clock = clock_of(trial, case, told)
    onset, alerts = onset_under(trial, told, clock)
    seen = onset is not None or onset_under(trial, told, RIGHT)[0] is not None
    title = f"MUST step, the host's clock {case.variation} before it: {'detected' if onset else 'missed'}"
    limit_s = (told.allowed[-1].to_ms - told.allowed[-1].from_ms) / 1000
    return Result(
        case,
        "" if onset or not seen else f"the MUST step had no onset within {limit_s:g} s, under a right clock it has one",
        told=seen,
        picture=story_timeline(title, told, alerts),
        witness={
            **told.witness(),
            "cases": [case.key],
            "clock_off_from_ms": clock.changes[0][0],
            "clock_off_by": case.variation,
            "expected": told.expected(-1),
        },
    )


@pytest.mark.requirement("AD-16")
def test_steps_are_detected(trial: Trial) -> None:
    declared = declared_by(trial)
    prove(trial, OFFSETS_MS.values(), stream_start_ms(trial.rng("AD-16/proof")))
    story_of = cache(lambda seed: told_by(trial, seed, declared))
    ledger = judge(
        trial,
        CLOCKS,
        lambda case: step_case(trial, case, story_of(case.seed)),
        title="A MUST step after the host's clock went wrong",
        failure="the host's clock went wrong, and a MUST step went unnoticed",
        untold="the MUST steps were missed under a right clock too: blindness cannot be told from not seeing",
    )
    trial.summary(f"every MUST step detected in time under {len(ledger.variations)} wrong clocks")


@pytest.mark.requirement("AD-16")
def test_steps_after_an_alert_are_detected(trial: Trial) -> None:
    """Who spaces alerts by the host's clock is mute after it stepped back. Not asked where the second step goes unseen anyway."""
    declared = declared_by(trial)
    story_of = cache(lambda seed: told_twice(trial, seed, declared))
    ledger = run_cases(trial, [AFTER_ALERT], lambda case: step_case(trial, case, story_of(case.seed)))
    telling = sum(result.told for result in ledger.results)
    if not ledger.failed(AFTER_ALERT) and telling < (1 if trial.replaying else NEEDED):
        trial.summary(f"a step {CALM_S / 60:g} min after another is not seen under a right clock either, and was not asked")
        return
    decide(
        trial,
        ledger,
        title="A MUST step after another, the host's clock an hour back before it",
        failure="the host's clock stepped back, and a MUST step after an earlier alert went unnoticed",
        untold="",
    )
    trial.summary("a step after an earlier alert is detected though the clock stepped back an hour")


# -- AD-03 under wrong clocks ------------------------------------------------------------------------------------------------------


@dataclass(frozen=True, slots=True)
class Tour:
    """Stationary traffic, and a clock that goes wrong in each way for a stretch and right again after it."""

    playback: Playback
    service: str
    clock: HostClock
    stretches: tuple[tuple[Span, str], ...]

    @property
    def traffic(self) -> Traffic:
        return self.playback.traffic

    def false_onsets(self, trial: Trial, clock: HostClock) -> tuple[list[Onset], list[SeenAlert]]:
        """The onsets under that clock from the first stretch on, and the alerts."""
        detector = SkewedDetector.under(clock, trial, self.traffic.start_ms)
        detector.play(self.playback)
        detector.close()
        from_ms = self.stretches[0][0].from_ms
        gated = [alert for alert in detector.alerts if alert.seen_ms >= from_ms]
        return onsets(gated), gated


def tour(trial: Trial, seed: str, declared: Declared) -> Tour:
    """One seed's tour. A wrong clock lasts until what it did to a bucket can be seen, the right one after it half as long."""
    rng = trial.rng(f"AD-16/tour/{seed}")
    start_ms = stream_start_ms(rng)
    least_s = QUICK_STRETCH_S if trial.quick else FULL_STRETCH_S
    stretch_ms = max(round(least_s * 1000), declared.bucket_ms + declared.lateness_ms)
    at_ms = start_ms + declared.warmup_ms + round(SETTLE_S * 1000)
    changes: list[tuple[int, int]] = []
    stretches: list[tuple[Span, str]] = []
    for name in CLOCKS:
        changes += [*stepping(name, at_ms, at_ms + stretch_ms, rng), (at_ms + stretch_ms, 0)]
        stretches.append((Span(at_ms, at_ms + stretch_ms), name))
        at_ms += stretch_ms + stretch_ms // 2
    source = Source("search", flat(STEADY_RATE), flat(STEADY_P0[seed]))
    playback = Playback(generate([source], start_ms, (at_ms + stretch_ms - start_ms) / 1000, rng))
    return Tour(playback, source.service, HostClock(tuple(changes)), tuple(stretches))


def tour_case(trial: Trial, case: Case, declared: Declared) -> Result:
    """One seed's tour, and where it raised alarms the same traffic under a right clock."""
    one = tour(trial, case.seed, declared)
    false, alerts = one.false_onsets(trial, one.clock)
    told = not false or not one.false_onsets(trial, RIGHT)[0]
    problem = f"{len(false)} onsets where nothing changed but the clock, none of them under a right one" if false else ""
    first = {"first_false_alarm": false[0].alert.shown()} if false else {}
    return Result(
        case,
        problem if told else "",
        told=told,
        picture=picture(one, alerts),
        witness={
            "stream_start_ms": one.traffic.start_ms,
            "logs_per_s": STEADY_RATE,
            "p0": STEADY_P0[case.seed],
            "clocks_ms": [[span.from_ms, span.to_ms, name] for span, name in one.stretches],
            "expected": "no onset: the traffic is stationary",
            **first,
        },
    )


def picture(one: Tour, alerts: list[SeenAlert]) -> dict[str, Any]:
    """The tour, with the wrong clocks as marks."""
    window = Span(one.stretches[0][0].from_ms - 15_000, one.traffic.end_ms)
    marks = [(span, f"clock {name}") for span, name in one.stretches]
    title = f"Stationary traffic while the host's clock is wrong: {len(onsets(alerts))} onsets"
    return timeline(title, one.traffic, one.service, alerts, truth=marks, window=window)


@pytest.mark.requirement("AD-16")
def test_no_false_alarms(trial: Trial) -> None:
    declared = declared_by(trial)
    judge(
        trial,
        [TOUR],
        lambda case: tour_case(trial, case, declared),
        title="Stationary traffic under wrong clocks",
        failure="the host's clock went wrong, and steady traffic raised alarms",
        untold="steady traffic raises alarms under a right clock too: whose doing they are cannot be told",
    )
    trial.summary("no false alarm on steady traffic while the host's clock steps and strobes")
