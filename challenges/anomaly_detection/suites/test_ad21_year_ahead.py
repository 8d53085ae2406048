"""AD-21: one log dated a year ahead neither freezes, resets nor blinds detection, and memory stays bounded.

`now_ms` moves with the stream throughout. The log comes at different moments and places, one on each process; after it a
MUST step must be detected as ever, and the process may have grown no more than it does without that log.
"""

from __future__ import annotations

from dataclasses import dataclass, field
from functools import cache
from typing import Any

import pytest

from challenges.anomaly_detection.alerts import Declared, SeenAlert
from challenges.anomaly_detection.badinput import YEAR_MS
from challenges.anomaly_detection.cases import Case, Result, declared_by, judge
from challenges.anomaly_detection.detector import Detector
from challenges.anomaly_detection.onsets import onsets
from challenges.anomaly_detection.pictures import timeline
from challenges.anomaly_detection.playback import Step, log_json
from challenges.anomaly_detection.scenarios import SEEDS, Span, Story, must_strength, step_story
from harness.errors import CandidateFailure, RpcError
from harness.runtime.trial import Trial

RATE, Z1 = 40.0, 15.0
P0 = dict(zip(SEEDS, (0.001, 0.005, 0.02, 0.05, 0.10), strict=True))
# Longer than the silence that makes an alert an onset: an alert about the log itself does not hide the step.
EARLY_S = 35.0
JUST_BEFORE_S = 1.0
MOST_GROWTH_BYTES = 32 * 2**20
ELSEWHERE = "from-next-year"
FIRST, EARLY, BESIDE, LAST = (
    "as the very first log",
    "half a minute before the step",
    "in another service",
    "right before the step",
)
MOMENTS = (FIRST, EARLY, BESIDE, LAST)


@dataclass(slots=True)
class Run:
    """One process: what it said, what went wrong with it, and by how many bytes it grew after the log."""

    alerts: list[SeenAlert] = field(default_factory=list)
    failure: CandidateFailure | RpcError | None = None
    detected: bool = False
    grown_bytes: int = 0


def told_by(trial: Trial, seed: str, declared: Declared) -> Story:
    """One seed's stream: a MUST step, cut off at the limit of AD-01."""
    strength = must_strength(RATE, P0[seed], Z1)
    return step_story(seed, strength, declared, trial.rng(f"AD-21/{seed}"), later_s=EARLY_S)


def moment_ms(told: Story, moment: str) -> int:
    """When the log comes."""
    if moment == FIRST:
        return told.traffic.start_ms
    return told.spikes[0].from_ms - round((JUST_BEFORE_S if moment == LAST else EARLY_S) * 1000)


def run(trial: Trial, told: Story, moment: str, *, control: bool = False) -> Run:
    """Plays the stream with the log at its moment; the control gets in its place a log dated now."""
    seen = Run()
    detector = Detector.start(trial, told.traffic.start_ms)
    at_ms = moment_ms(told, moment)
    steps = list(told.playback)
    cut = next(n for n, step in enumerate(steps) if step.now_ms >= at_ms)
    try:
        play(detector, told, moment, steps[:cut], steps[cut:], seen, ahead_ms=0 if control else YEAR_MS)
    except (CandidateFailure, RpcError) as failure:
        seen.failure = failure
    detector.close()
    seen.alerts = detector.alerts
    seen.detected = told.detections(onsets(seen.alerts))[0] is not None
    return seen


def play(
    detector: Detector, told: Story, moment: str, before: list[Step], after: list[Step], seen: Run, *, ahead_ms: int
) -> None:
    """The stream, the log, and the rest; memory is read just before the log, just after it, and at the end."""
    detector.play(before)
    rss_bytes = detector.process.rss_bytes()
    now_ms = max(detector.newest_ms, told.traffic.start_ms)
    service = ELSEWHERE if moment == BESIDE else told.service
    detector.ingest_json(log_json(str(now_ms + ahead_ms), service, "error", "certificate valid from next year"), 1, now_ms)
    seen.grown_bytes = detector.process.rss_bytes() - rss_bytes
    detector.play(after, until=told.stops_at(0))
    seen.grown_bytes = max(seen.grown_bytes, detector.process.rss_bytes() - rss_bytes)


def problem(trial: Trial, told: Story, moment: str, seen: Run) -> tuple[str, bool]:
    """What the log did, empty if nothing, and whether that can be told: a control without it must be all right.

    Raises CandidateFailure or RpcError where the candidate fails without the log just the same.
    """
    if seen.failure is None and seen.detected and seen.grown_bytes <= MOST_GROWTH_BYTES:
        return "", True
    plain = run(trial, told, moment, control=True)
    if seen.failure is not None:
        if plain.failure is not None:
            raise plain.failure
        return f"after the log: {seen.failure}", True
    if not seen.detected:
        return ("the MUST step after the log went unnoticed", True) if plain.detected else ("", False)
    more_mib = (seen.grown_bytes - plain.grown_bytes) / 2**20
    return (f"the log made the process grow by {more_mib:.0f} MiB" if more_mib * 2**20 > MOST_GROWTH_BYTES else ""), True


def play_case(trial: Trial, case: Case, told: Story) -> Result:
    """One moment on one seed."""
    seen = run(trial, told, case.variation)
    what, can_tell = problem(trial, told, case.variation, seen)
    return Result(
        case,
        what[:400],
        told=can_tell,
        picture=picture(told, case.variation, seen),
        witness={
            **told.witness(),
            "cases": [case.key],
            "log_ms": moment_ms(told, case.variation),
            "log_dated_ahead_ms": YEAR_MS,
            "expected": f"{told.expected()}, and less than {MOST_GROWTH_BYTES >> 20} MiB more memory than without the log",
        },
    )


def picture(told: Story, moment: str, seen: Run) -> dict[str, Any]:
    """The service that steps, with the log as a mark."""
    at_ms = moment_ms(told, moment)
    window = Span(min(at_ms, max(told.traffic.start_ms, told.gated_ms - 15_000)), told.traffic.end_ms)
    marks = [(Span(at_ms, at_ms + 500), "a log from next year"), (told.spikes[0], "MUST step")]
    title = f"One log a year ahead, {moment}"
    return timeline(title, told.traffic, told.service, seen.alerts, truth=marks, allowed=told.allowed, window=window)


@pytest.mark.requirement("AD-21")
def test_log_from_next_year(trial: Trial) -> None:
    declared = declared_by(trial)
    story_of = cache(lambda seed: told_by(trial, seed, declared))
    ledger = judge(
        trial,
        MOMENTS,
        lambda case: play_case(trial, case, story_of(case.seed)),
        title="One log dated a year ahead",
        failure="one log dated a year ahead did harm",
        untold="the MUST step was missed without the log too: blindness cannot be told from not seeing",
    )
    trial.summary(f"one log dated a year ahead, {len(ledger.variations)} ways: every MUST step detected, memory bounded")
