"""AD-30: a restart from a snapshot at any of six moments gives the onsets of the uninterrupted run.

One stream of two services, one at a 20 % baseline, with a spike, a pause too short for a cold start to warm up in, and the
spike again, which goes on. On each seed it is first played with a restart at all six moments, one after another; where the onsets differ
from those of the uninterrupted run, once more with each restart by itself, and that is what is judged.

A cold start at each moment before the last spike is the control. A moment at which it makes no difference (a candidate that needs hardly any
warm-up) shows nothing and is named; if none makes one, the requirement is undecided.
"""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass, field
from typing import Any

import numpy as np
import pytest

from challenges.anomaly_detection.alerts import GRAIN_MS, Declared, SeenAlert
from challenges.anomaly_detection.cases import Case, Result, decide, run_cases
from challenges.anomaly_detection.detector import Detector
from challenges.anomaly_detection.pairing import onset_changes
from challenges.anomaly_detection.pictures import timeline
from challenges.anomaly_detection.playback import Playback, Step
from challenges.anomaly_detection.restart import cut_at, kill, require_snapshot, restore, snapshot_of
from challenges.anomaly_detection.scenarios import Span, Strength, first_step_s, spiky, stream_start_ms
from challenges.anomaly_detection.traffic import Traffic, generate
from harness.runtime.trial import Trial, Undecided

CALM, ROUGH = "checkout", "batch-import"
STRENGTHS = {CALM: Strength(50.0, 0.005, 0.55), ROUGH: Strength(50.0, 0.20, 0.80)}
WARMING, STEADY, BEFORE, INSIDE, CLEAR, GOING_ON = (
    "in the warm-up",
    "steady at a 20 % baseline",
    "1 s before a spike",
    "in the spike",
    "in the clear",
    "in a spike that goes on",
)
CONTROLLED = (WARMING, STEADY, BEFORE, INSIDE, CLEAR)
MOMENTS = (*CONTROLLED, GOING_ON)
SEQUENCE = "all six in one run"
MOST_COLD_SEEDS = 2
# So long the last spike goes on after the restart in it: an alert that comes for it once more would be an onset after 30 s.
STILL_ON_S = 60.0


@dataclass(frozen=True, slots=True)
class Plan:
    """One seed's stream, its requests, and the moments of the restarts in epoch ms, in order of time."""

    steps: tuple[Step, ...]
    traffic: Traffic
    declared: Declared
    gated_ms: int
    spikes: tuple[Span, Span]
    moments_ms: dict[str, int]
    compared_to_ms: int

    def changes(self, first: list[SeenAlert], second: list[SeenAlert], to_ms: int | None = None) -> list[str]:
        """How the onsets of the second run differ from those of the first."""
        slack_ms = self.declared.same_onset_ms
        return onset_changes(
            first, second, slack_ms=slack_ms, from_ms=self.gated_ms, to_ms=to_ms or self.compared_to_ms
        ).phrases()


def plan(seed: str, declared: Declared, start_ms: int, rng: np.random.Generator) -> Plan:
    """Lays out one seed's stream. The pause between the spikes is as long as it takes for an onset to be one again."""
    bucket_s, warmup_s, limit_s = declared.bucket_ms / 1000, declared.warmup_ms / 1000, declared.onset_limit_ms / 1000
    first_s = first_step_s(declared, rng)
    first_end_s = first_s + limit_s + 8
    pause_s = 32 + bucket_s + declared.lateness_ms / 1000
    second_s = first_end_s + pause_s
    going_on_s = second_s + limit_s + 5
    compared_s = going_on_s + STILL_ON_S
    end_s = compared_s + declared.same_onset_ms / 1000 + 1
    spikes_s = [(first_s, first_end_s), (second_s, end_s)]
    traffic = generate([spiky(name, strength, spikes_s) for name, strength in STRENGTHS.items()], start_ms, end_s, rng)
    at_s = {
        WARMING: max(warmup_s / 2, warmup_s - 10),
        STEADY: warmup_s + 15,
        BEFORE: first_s - 1,
        INSIDE: first_s + limit_s + 5,
        CLEAR: first_end_s + pause_s / 2,
        GOING_ON: going_on_s,
    }

    def ms(t_s: float) -> int:
        return start_ms + round(t_s * 1000)

    return Plan(
        steps=tuple(Playback(traffic)),
        traffic=traffic,
        declared=declared,
        gated_ms=ms(warmup_s),
        spikes=(Span(ms(first_s), ms(first_end_s)), Span(ms(second_s), ms(end_s))),
        moments_ms={name: ms(t_s) for name, t_s in at_s.items()},
        compared_to_ms=ms(compared_s),
    )


def heard(trial: Trial, told: Plan, moments: Sequence[str], first: Detector | None = None) -> list[SeenAlert]:
    """The alerts of the stream with a restart from a snapshot at each of these moments. `first` is a process to begin with."""
    detector = first or Detector.start(trial, told.traffic.start_ms)
    alerts: list[SeenAlert] = []
    done = 0
    for cut in sorted(cut_at(told.steps, told.moments_ms[name]) for name in moments):
        detector.play(told.steps[done:cut])
        now_ms = max(detector.newest_ms, told.traffic.start_ms)
        state = snapshot_of(detector, now_ms)
        alerts += detector.alerts
        kill(detector)
        detector = Detector.start(trial, now_ms)
        restore(detector, state, now_ms)
        done = cut
    detector.play(told.steps[done:])
    detector.close()
    return alerts + detector.alerts


def cold_differs(trial: Trial, told: Plan, base: list[SeenAlert], moment: str) -> bool:
    """Whether a process that starts at that moment with nothing gives other onsets up to the limit of the next spike."""
    at_ms = told.moments_ms[moment]
    spike = next(span for span in told.spikes if span.from_ms > at_ms)
    to_ms = spike.from_ms + told.declared.onset_limit_ms
    detector = Detector.start(trial, at_ms)
    last = cut_at(told.steps, to_ms + told.declared.same_onset_ms + GRAIN_MS)
    detector.play(told.steps[cut_at(told.steps, at_ms) : last])
    detector.close()
    joined = [alert for alert in base if alert.seen_ms < at_ms] + detector.alerts
    return bool(told.changes(base, joined, to_ms))


@dataclass(slots=True)
class Seed:
    """What is known of one seed: the uninterrupted run, and what a restart at all moments in one run changed."""

    told: Plan
    base: list[SeenAlert]
    chained: list[SeenAlert] = field(default_factory=list)
    chain_changes: list[str] = field(default_factory=list)
    alone_changed: set[str] = field(default_factory=set)

    @property
    def tells(self) -> bool:
        """Whether there are onsets to be compared at all."""
        return any(self.told.gated_ms <= alert.seen_ms <= self.told.compared_to_ms for alert in self.base)


class Restarts:
    """Plays the cases; each seed's uninterrupted run and its run with all restarts are made once."""

    def __init__(self, trial: Trial) -> None:
        self.trial = trial
        self.seeds: dict[str, Seed] = {}

    def seed(self, name: str) -> Seed:
        """That seed, played at its first use."""
        if name not in self.seeds:
            rng = self.trial.rng(f"AD-30/{name}")
            start_ms = stream_start_ms(rng)
            detector = Detector.start(self.trial, start_ms)
            require_snapshot(detector)
            told = plan(name, detector.declared, start_ms, rng)
            made = self.seeds[name] = Seed(told, heard(self.trial, told, (), detector))
            made.chained = heard(self.trial, told, MOMENTS)
            made.chain_changes = told.changes(made.base, made.chained)
        return self.seeds[name]

    def play(self, case: Case) -> Result:
        """One moment on one seed; the sequence comes last, and is wrong only where none of its restarts is by itself."""
        seed = self.seed(case.seed)
        if not seed.tells:
            return Result(case, told=False)
        alerts, changes = seed.chained, seed.chain_changes
        if case.variation == SEQUENCE:
            changes = [] if seed.alone_changed else changes
        elif changes or self.trial.replaying:
            alerts = heard(self.trial, seed.told, [case.variation])
            changes = seed.told.changes(seed.base, alerts)
            seed.alone_changed |= {case.variation} if changes else set()
        return self.result(case, seed, alerts, changes)

    def result(self, case: Case, seed: Seed, alerts: list[SeenAlert], changes: list[str]) -> Result:
        told = seed.told
        at_ms = [told.moments_ms[name] for name in ([case.variation] if case.variation in MOMENTS else MOMENTS)]
        return Result(
            case,
            "; ".join(changes[:3]),
            picture=picture(case, told, alerts, at_ms, ROUGH if changes and ROUGH in changes[0] else CALM),
            witness={
                "stream_start_ms": told.traffic.start_ms,
                "restarts_ms": at_ms,
                "spikes_ms": [[span.from_ms, span.to_ms] for span in told.spikes],
                "slack_ms": told.declared.same_onset_ms,
                "expected": "the onsets of the uninterrupted run",
            },
        )

    def shown(self) -> dict[str, bool]:
        """For each moment, whether a cold start there makes a difference on one of the first seeds that tell."""
        usable = [seed for seed in self.seeds.values() if seed.tells][:MOST_COLD_SEEDS]
        return {moment: any(cold_differs(self.trial, seed.told, seed.base, moment) for seed in usable) for moment in CONTROLLED}


def picture(case: Case, told: Plan, alerts: list[SeenAlert], at_ms: Sequence[int], service: str) -> dict[str, Any]:
    """One service of the stream, with restarts and spikes as marks."""
    marks = [(Span(ms, ms + 500), "restart") for ms in at_ms]
    spikes = [(span, "spike") for span in told.spikes]
    window = Span(min(*at_ms, told.gated_ms) - 10_000, told.traffic.end_ms)
    title = f"{service}, restarted {case.variation}"
    return timeline(title, told.traffic, service, alerts, truth=[*marks, *spikes], window=window)


@pytest.mark.requirement("AD-30")
def test_restart_goes_unnoticed(trial: Trial) -> None:
    restarts = Restarts(trial)
    ledger = run_cases(trial, (*MOMENTS, SEQUENCE), restarts.play)
    shown = {} if trial.replaying or any(map(ledger.failed, ledger.variations)) else restarts.shown()
    decide(
        trial,
        ledger,
        title="Restarts from a snapshot",
        failure="a restart from a snapshot changed the onsets",
        untold="the candidate sent no alert in the uninterrupted run: there is nothing to compare",
    )
    rows = [[moment, "other onsets" if differs else "the same onsets: it shows nothing"] for moment, differs in shown.items()]
    trial.evidence({"kind": "table", "title": "Control: a cold start", "columns": ["moment", "result"], "rows": rows})
    told = [moment for moment, differs in shown.items() if differs]
    if shown and not told:
        raise Undecided("a cold start gives the same onsets as the uninterrupted run wherever it was tried: nothing is shown")
    blank = [moment for moment in shown if moment not in told]
    more = f"; a cold start makes no difference {', '.join(blank)}" if blank else ""
    trial.summary(
        f"{ledger.seeds} seeds, restarts from a snapshot at {len(MOMENTS)} moments: the onsets of the uninterrupted run{more}"
    )
