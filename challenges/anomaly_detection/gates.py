"""Named intervals of a scene in which a service must stay silent or must be spoken of, decided over five seeds.

A suite builds one scene a seed: traffic and its gates. What went wrong is counted per kind of interval, so that three
seeds that go wrong in the same one fail, and three that each go wrong somewhere else do not.
"""

from __future__ import annotations

from collections.abc import Callable, Mapping, Sequence
from dataclasses import dataclass, field
from typing import Any, Literal

import numpy as np

from challenges.anomaly_detection.alerts import Declared, SeenAlert
from challenges.anomaly_detection.detector import Detector
from challenges.anomaly_detection.onsets import Tracker, alerted, detection, onsets
from challenges.anomaly_detection.pictures import timeline
from challenges.anomaly_detection.playback import Playback
from challenges.anomaly_detection.scenarios import SEEDS, Span, stream_start_ms
from challenges.anomaly_detection.traffic import Traffic
from harness.runtime.trial import Trial, Violation

_SHOWN_ALERTS = 3
_PICTURE_LEAD_MS = 60_000


@dataclass(frozen=True, slots=True)
class Gate:
    """What is wanted of a service within [from_ms, to_ms] of a span: no alert at all but of the kinds in `but`, a raw
    alert, or an onset (both of any kind but `volume`). Gates of the same `name` are one kind of interval."""

    name: str
    service: str
    span: Span
    wants: Literal["silence", "alert", "onset"]
    but: frozenset[str] = frozenset()

    def counted(self, alerts: Sequence[SeenAlert]) -> list[SeenAlert]:
        """The service's raw alerts within the span, the excepted kinds left out."""
        span = self.span
        mine = (a for a in alerts if a.service == self.service and a.kind not in self.but)
        return [a for a in mine if span.from_ms <= a.seen_ms <= span.to_ms]

    def holds(self, alerts: Sequence[SeenAlert]) -> bool:
        """Whether these alerts, in the order in which they were seen, are what is wanted."""
        service, from_ms, to_ms = self.service, self.span.from_ms, self.span.to_ms
        match self.wants:
            case "silence":
                return not self.counted(alerts)
            case "alert":
                return alerted(alerts, service, from_ms, to_ms) is not None
            case "onset":
                return detection(onsets(alerts), service, from_ms, to_ms) is not None

    def met_by(self) -> Callable[[SeenAlert], bool]:
        """A fresh predicate over alerts, in order: whether one brings what is wanted. Silence never comes."""
        tracker, span = Tracker(), self.span

        def meets(alert: SeenAlert) -> bool:
            onset = tracker.add(alert)
            if self.wants == "alert":
                return alerted([alert], self.service, span.from_ms, span.to_ms) is not None
            return self.wants == "onset" and bool(onset and detection([onset], self.service, span.from_ms, span.to_ms))

        return meets

    def expected(self) -> str:
        """The wanted thing in words, with its times."""
        within = f"for {self.service!r} from {self.span.from_ms} to {self.span.to_ms}"
        if self.wants == "silence":
            return f"no alert {within}" + (f" but of kind {', '.join(sorted(self.but))}" if self.but else "")
        return f"{'an onset' if self.wants == 'onset' else 'an alert'} (any kind but volume) {within}"


@dataclass(frozen=True, slots=True)
class Scene:
    """One seed's requests and what is wanted. `truth`: what was injected and when; `facts`: its sizes for a reader.

    The last gate in the list is the one that ends last. `steps` are the requests of `traffic` (by default those of a
    plain playback).
    """

    traffic: Traffic
    gates: tuple[Gate, ...]
    truth: tuple[tuple[Span, str], ...]
    facts: Mapping[str, Any]
    steps: Sequence[Playback] = field(default=())

    @property
    def playbacks(self) -> Sequence[Playback]:
        return self.steps or (Playback(self.traffic),)


@dataclass(frozen=True, slots=True)
class Seen:
    """One seed's scene and what the candidate made of it."""

    key: str
    scene: Scene
    alerts: list[SeenAlert]

    def broken(self, name: str | None = None) -> list[Gate]:
        """The gates (of that name) that do not hold."""
        return [g for g in self.scene.gates if name in (None, g.name) and not g.holds(self.alerts)]

    def witness(self, gate: Gate) -> dict[str, Any]:
        """What went wrong at a gate, for a reader and for a replay."""
        inside = gate.counted(self.alerts)
        if gate.wants != "silence":
            inside = [a for a in self.alerts if a.service == gate.service and a.seen_ms >= gate.span.from_ms]
        return {
            "cases": [self.key],
            "service": gate.service,
            **self.scene.facts,
            "interval": gate.name,
            "expected": gate.expected(),
            "got": [a.shown() for a in inside[:_SHOWN_ALERTS]] or f"no alert for {gate.service!r} in that time",
        }

    def picture(self, title: str, gate: Gate) -> dict[str, Any]:
        """The service of a gate from the last minute before the first gate on."""
        traffic = self.scene.traffic
        first_ms = min(g.span.from_ms for g in self.scene.gates)
        mine = [g for g in self.scene.gates if g.service == gate.service]
        window = Span(max(traffic.start_ms, first_ms - _PICTURE_LEAD_MS), traffic.end_ms)
        allowed = [g.span for g in mine if g.wants != "silence"]
        return timeline(title, traffic, gate.service, self.alerts, truth=self.scene.truth, allowed=allowed, window=window)


Build = Callable[[str, Declared, int, np.random.Generator], Scene]


def play(trial: Trial, requirement: str, key: str, build: Build) -> Seen:
    """One seed on a process of its own, up to what the last gate wants or the end of the scene.

    `build` is given the seed's key, what the candidate declares, the start of the stream (epoch ms) and randomness.
    """
    rng = trial.rng(f"{requirement}/{key}")
    start_ms = stream_start_ms(rng)
    detector = Detector.start(trial, start_ms)
    scene = build(key, detector.declared, start_ms, rng)
    until = scene.gates[-1].met_by()
    for playback in scene.playbacks:
        if detector.play(playback, until=until):
            break
    detector.close()
    return Seen(key, scene, detector.alerts)


@dataclass(frozen=True, slots=True)
class Wording:
    """How a suite speaks: the title of its pictures, what each kind of interval going wrong means, and what is fine."""

    title: str
    faults: Mapping[str, str]
    fine: str


def decide(trial: Trial, seen: Sequence[Seen], wording: Wording) -> None:
    """Shows the first seed that went wrong, fails for the first kind of interval in which three of five did.

    Its credit is the share of that kind that went right; that of a pass the share of all intervals (seed x kind).
    """
    wrong = [one for one in seen if one.broken()]
    shown = (wrong or list(seen))[0]
    gate = (shown.broken() or list(shown.scene.gates[-1:]))[0]
    what = f"wrong ({gate.name})" if wrong else "as it should be"
    trial.evidence(shown.picture(f"{wording.title}, {shown.key}: {what}", gate))
    trial.evidence(table(seen, wording))
    right = 0
    for name, fault in wording.faults.items():
        broken = [one for one in seen if one.broken(name)]
        right += len(seen) - len(broken)
        if trial.fails(len(broken), len(seen)):
            raise violation(broken, len(seen), name, fault)
    trial.credit(right / (len(seen) * len(wording.faults)))
    trial.summary(f"{wording.fine} in {len(seen) - len(wrong)} of {len(seen)} seeds")


def violation(broken: Sequence[Seen], of: int, name: str, fault: str) -> Violation:
    """The failure, with the first seed that went wrong as its witness, and as credit the share that went right there."""
    first = broken[0]
    witness = {**first.witness(first.broken(name)[0]), "wrong": [one.key for one in broken]}
    return Violation(f"in {len(broken)} of {of} seeds {fault}", credit=1 - len(broken) / of, witness=witness)


def table(seen: Sequence[Seen], wording: Wording) -> dict[str, Any]:
    """Each seed's sizes and how each kind of interval went."""
    facts = list(seen[0].scene.facts)
    rows = [
        [one.key, *map(str, one.scene.facts.values()), *("wrong" if one.broken(name) else "right" for name in wording.faults)]
        for one in seen
    ]
    return {"kind": "table", "title": wording.title, "columns": ["seed", *facts, *wording.faults], "rows": rows}


def judged(trial: Trial, requirement: str, build: Build, wording: Wording, keys: Sequence[str] = SEEDS) -> None:
    """Plays every seed (on a replay those of the witness) and decides. Raises Violation, Undecided, CandidateFailure."""
    decide(trial, [play(trial, requirement, key, build) for key in trial.cases(keys)], wording)


def at(start_ms: int, from_s: float, to_s: float) -> Span:
    """Seconds of stream as epoch milliseconds."""
    return Span(start_ms + round(from_s * 1000), start_ms + round(to_s * 1000))
