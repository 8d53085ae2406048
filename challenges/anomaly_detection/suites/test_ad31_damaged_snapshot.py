"""AD-31: a damaged snapshot is refused with -32602 within 1 s and a cold start that works follows, or it does no harm.

Per seed one state, damaged in many places: single bits flipped, then cut off. A cut must be refused. A flip must be refused
too, or a spike inside what would be a cold start's warm-up brings the very alerts that the undamaged state brings. After all
the refusals the same process must work like one that was just started.
"""

from __future__ import annotations

import time
from collections.abc import Sequence
from dataclasses import dataclass, field
from typing import Any

import numpy as np
import pytest

from challenges.anomaly_detection.alerts import Declared, SeenAlert
from challenges.anomaly_detection.cases import Case, Ledger, Result, decide, run_cases
from challenges.anomaly_detection.damage import Damage, Kind, flips, truncations
from challenges.anomaly_detection.detector import Detector
from challenges.anomaly_detection.onsets import detection, onsets
from challenges.anomaly_detection.pairing import onset_changes
from challenges.anomaly_detection.pictures import timeline
from challenges.anomaly_detection.playback import Playback, Step
from challenges.anomaly_detection.restart import cut_at, kill, require_snapshot, restore, snapshot_of
from challenges.anomaly_detection.sameness import exact_difference
from challenges.anomaly_detection.scenarios import SETTLE_S, Span, Strength, first_step_s, spiky, stream_start_ms
from challenges.anomaly_detection.traffic import Traffic, generate
from harness.errors import RpcError
from harness.runtime.trial import Trial, Undecided, Violation

SERVICE = "checkout"
STRENGTH = Strength(rate=50.0, p0=0.02, p1=0.55)
MALFORMED = -32602
REFUSED_WITHIN_S = 1.0
# A reply may be late for reasons of this machine's: it is too late if it is so every time.
TIMINGS = 3
# The spike comes this long after the restart, or half a cold start's warm-up where that is sooner.
SPIKE_AFTER_S = 10.0
QUICK_FLIPS, FULL_FLIPS = 16, 60
QUICK_CUTS, FULL_CUTS = 6, 16
COLD = "a cold start after refusals"


# -- the stream --------------------------------------------------------------------------------------------------------------------


@dataclass(frozen=True, slots=True)
class Plan:
    """One seed: the requests before the snapshot and after it, with a spike soon after, and those of a later cold start."""

    traffic: Traffic
    before: tuple[Step, ...]
    after: tuple[Step, ...]
    restart_ms: int
    spike: Span
    declared: Declared
    state: str

    @property
    def compared_to_ms(self) -> int:
        return self.spike.from_ms + self.declared.onset_limit_ms


def plan(trial: Trial, seed: str) -> Plan:
    """One seed's stream, played up to the snapshot. Raises NotOffered where there are none."""
    rng = trial.rng(f"AD-31/{seed}")
    start_ms = stream_start_ms(rng)
    detector = Detector.start(trial, start_ms)
    require_snapshot(detector)
    declared = detector.declared
    warmup_s = declared.warmup_ms / 1000
    restart_s = warmup_s + SETTLE_S
    spike_s = restart_s + min(SPIKE_AFTER_S, warmup_s / 2)
    end_s = spike_s + (declared.onset_limit_ms + declared.same_onset_ms) / 1000 + 1
    traffic = generate([spiky(SERVICE, STRENGTH, [(spike_s, end_s)])], start_ms, end_s, rng)
    requests, restart_ms = tuple(Playback(traffic)), start_ms + round(restart_s * 1000)
    cut = cut_at(requests, restart_ms)
    detector.play(requests[:cut])
    state = snapshot_of(detector, restart_ms)
    kill(detector)
    spike = Span(start_ms + round(spike_s * 1000), traffic.end_ms)
    return Plan(traffic, requests[:cut], requests[cut:], restart_ms, spike, declared, state)


def cold_stream(told: Plan, rng: np.random.Generator) -> tuple[Playback, Span]:
    """What a process is played that starts cold at the restart: a warm-up, then a MUST step; where its onset counts."""
    step_s = first_step_s(told.declared, rng)
    end_s = step_s + told.declared.onset_limit_ms / 1000 + 1
    step_ms = told.restart_ms + round(step_s * 1000)
    playback = Playback(generate([spiky(SERVICE, STRENGTH, [(step_s, end_s)])], told.restart_ms, end_s, rng))
    return playback, Span(step_ms, step_ms + told.declared.onset_limit_ms)


# -- damaged states ----------------------------------------------------------------------------------------------------------------


@dataclass(frozen=True, slots=True)
class Charge:
    """What a damaged state did that it must not."""

    damage: Damage
    problem: str
    alerts: tuple[SeenAlert, ...] = ()


@dataclass(slots=True)
class Victim:
    """Processes to which one seed's damaged states are handed: one for all that are refused, a fresh one after each accepted.

    `undamaged_held` is `Detector.held` of those that took the undamaged state.
    """

    trial: Trial
    told: Plan
    undamaged: list[SeenAlert] | None = None
    detector: Detector | None = None
    refused: int = 0
    accepted: int = 0
    charges: list[Charge] = field(default_factory=list)
    undamaged_held: bool = True

    def take(self, damage: Damage) -> None:
        """Hands over one damaged state, and charges it where that goes wrong."""
        if self.detector is None:
            self.detector = Detector.start(self.trial, self.told.restart_ms)
        if not refused(self.trial, self.told, self.detector, damage, self.charges):
            self.accepted += 1
            if damage.kind is Kind.TRUNCATED:
                self.charges.append(Charge(damage, "a truncated state was accepted"))
            else:
                self.compare(damage, self.detector)
            self.detector.close()
            self.detector = None
        else:
            self.refused += 1

    def compare(self, damage: Damage, detector: Detector) -> None:
        """Plays the spike to a process that accepted a damaged state: it must say what it says after the undamaged one."""
        detector.play(self.told.after)
        words = exact_difference(self.healthy(), detector.alerts)
        held = detector.held and self.undamaged_held
        if words and (not held or exact_difference(self.healthy(), self.healthy_run())):
            # It does not say the same twice even of the same state, which is AD-13's affair, or its wall clock could not be
            # held (see `Detector.held`): here the onsets must do.
            told = self.told
            slack_ms = told.declared.same_onset_ms
            changes = onset_changes(
                self.healthy(), detector.alerts, slack_ms=slack_ms, from_ms=told.restart_ms, to_ms=told.compared_to_ms
            )
            words = "; ".join(changes.phrases())
        if words:
            problem = f"a state with a flipped bit was accepted and changed the alerts: {words}"
            self.charges.append(Charge(damage, problem, tuple(detector.alerts)))

    def healthy(self) -> list[SeenAlert]:
        """What is said after the undamaged state."""
        if self.undamaged is None:
            self.undamaged = self.healthy_run()
        return self.undamaged

    def healthy_run(self) -> list[SeenAlert]:
        detector = Detector.start(self.trial, self.told.restart_ms)
        restore(detector, self.told.state, self.told.restart_ms)
        detector.play(self.told.after)
        detector.close()
        self.undamaged_held = self.undamaged_held and detector.held
        return detector.alerts


def refused(trial: Trial, told: Plan, detector: Detector, damage: Damage, charges: list[Charge]) -> bool:
    """Whether a state is refused; another code than -32602, or a refusal later than 1 s every time, is charged."""
    code, took_s = attempt(detector, damage, told.restart_ms)
    if code is None:
        return False
    if code != MALFORMED:
        charges.append(Charge(damage, f"it was answered with error {code}, not {MALFORMED}"))
    for _ in range(TIMINGS - 1):
        if took_s <= REFUSED_WITHIN_S:
            return True
        fresh = Detector.start(trial, told.restart_ms)
        took_s = min(took_s, attempt(fresh, damage, told.restart_ms)[1])
        fresh.close()
    if took_s > REFUSED_WITHIN_S:
        charges.append(Charge(damage, f"it was refused after {took_s:.1f} s, not within {REFUSED_WITHIN_S:g} s"))
    return True


def attempt(detector: Detector, damage: Damage, now_ms: int) -> tuple[int | None, float]:
    """The code with which a restore is refused, None for `{}`, and the seconds that it took."""
    began_s = time.monotonic()
    try:
        restore(detector, damage.state, now_ms)
    except RpcError as error:
        return error.code, time.monotonic() - began_s
    return None, time.monotonic() - began_s


# -- judging -----------------------------------------------------------------------------------------------------------------------


@dataclass(slots=True)
class Findings:
    """All seeds' victims, and how the damages are to be chosen."""

    trial: Trial
    victims: dict[str, Victim] = field(default_factory=dict)

    @property
    def charges(self) -> list[tuple[str, Charge]]:
        """All that is held against the candidate, with the seed."""
        return [(seed, charge) for seed, victim in self.victims.items() for charge in victim.charges]

    def victim(self, seed: str) -> Victim:
        """That seed's victim after all its damages, made at its first use."""
        if seed not in self.victims:
            told = plan(self.trial, seed)
            victim = self.victims[seed] = Victim(self.trial, told)
            if len(self.victims) == 1:
                # Who refuses every state, damaged or not, has not recognised anything.
                victim.healthy()
            for damage in damages(self.trial, seed, told.state):
                victim.take(damage)
        return self.victims[seed]

    def cold(self, case: Case) -> Result:
        """Whether the process that refused all of one seed's cuts works from a cold start."""
        victim = self.victim(case.seed)
        if victim.detector is None:
            return Result(case, told=False)
        playback, allowed = cold_stream(victim.told, self.trial.rng(f"AD-31/{case.seed}/cold"))
        detects = detected(victim.detector, playback, allowed)
        victim.detector.close()
        fresh = detects or detected(Detector.start(self.trial, victim.told.restart_ms), playback, allowed)
        return Result(
            case,
            "" if detects or not fresh else f"after {victim.refused} refused states a MUST step went unnoticed",
            told=fresh,
            witness={"restart_ms": victim.told.restart_ms, "expected": f"an onset from {allowed.from_ms} to {allowed.to_ms}"},
        )


def detected(detector: Detector, playback: Playback, allowed: Span) -> bool:
    """Whether a process sees the step of a stream."""
    detector.play(playback)
    return detection(onsets(detector.alerts), SERVICE, allowed.from_ms, allowed.to_ms) is not None


def damages(trial: Trial, seed: str, state: str) -> list[Damage]:
    """One seed's damages, the cuts last: after them the process is one that has refused. Raises Undecided for an empty state."""
    rng = trial.rng(f"AD-31/{seed}/damage")
    made = flips(state, QUICK_FLIPS if trial.quick else FULL_FLIPS, rng)
    made += truncations(state, QUICK_CUTS if trial.quick else FULL_CUTS, rng)
    if not made:
        raise Undecided("the state of a snapshot is empty: there is nothing to damage")
    return made


def violation(charges: Sequence[tuple[str, Charge]]) -> Violation:
    """The failure, with the first damage that did it."""
    seed, first = charges[0]
    return Violation(
        f"{len(charges)} damaged states were not refused as they must be ({first.damage.words}: {first.problem})"[:500],
        witness={
            "cases": [Case(seed, COLD).key],
            "damage": first.damage.words,
            "state_there": first.damage.state[max(0, first.damage.at - 40) : first.damage.at + 40],
            "expected": f"error {MALFORMED} within {REFUSED_WITHIN_S:g} s, or for a flipped bit no difference at all",
            "got": first.problem[:1500],
            "charged": [f"{seed}: {charge.damage.words}" for seed, charge in charges][:10],
        },
    )


def picture(told: Plan, charge: Charge) -> dict[str, Any]:
    """The spike after the restart, with what the process with the damaged state said."""
    window = Span(told.restart_ms - 15_000, told.traffic.end_ms)
    marks = [(Span(told.restart_ms, told.restart_ms + 500), "restart from a damaged state"), (told.spike, "spike")]
    return timeline(f"{charge.damage.words}", told.traffic, SERVICE, list(charge.alerts), truth=marks, window=window)


def show(trial: Trial, findings: Findings) -> None:
    """What became of each seed's damages, and the first charge that can be seen in the alerts."""
    rows = [
        [seed, len(victim.told.state), victim.refused, victim.accepted, "; ".join(c.damage.words for c in victim.charges[:3])]
        for seed, victim in findings.victims.items()
    ]
    columns = ["seed", "characters", "refused", "accepted", "charged"]
    trial.evidence({"kind": "table", "title": "Damaged states", "columns": columns, "rows": rows})
    if (charged := next((pair for pair in findings.charges if pair[1].alerts), None)) is not None:
        trial.evidence(picture(findings.victims[charged[0]].told, charged[1]))


@pytest.mark.requirement("AD-31")
def test_damage_is_recognised(trial: Trial) -> None:
    findings = Findings(trial)
    try:
        ledger = run_cases(trial, [COLD], findings.cold)
    except Undecided:
        if not findings.charges:
            raise
        ledger = Ledger(trial)
    charges = findings.charges
    show(trial, findings)
    if charges:
        raise violation(charges)
    decide(
        trial,
        ledger,
        title="Cold starts after refused states",
        failure="after damaged states were refused the process did not work",
        untold="the MUST step of a cold start was missed without damaged states too",
    )
    tried = sum(victim.refused + victim.accepted for victim in findings.victims.values())
    harmless = sum(victim.accepted for victim in findings.victims.values())
    trial.summary(f"{tried} damaged states over {ledger.seeds} seeds: {tried - harmless} refused, {harmless} without effect")
