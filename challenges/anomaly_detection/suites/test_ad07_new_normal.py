"""AD-07: a permanent shift alerts, and becomes the new normal; how soon does not depend on how long it has been up.

Several seeds share a process in the quick profile, as services whose shifts are minutes apart: what costs time is the
length of the stream. In the full profile each has a process of its own.
"""

from __future__ import annotations

import math
from collections.abc import Sequence
from dataclasses import dataclass
from itertools import islice
from typing import Any

import pytest

from challenges.anomaly_detection.alerts import GRAIN_MS, Declared, SeenAlert
from challenges.anomaly_detection.detector import Detector
from challenges.anomaly_detection.gates import Gate, Scene, Seen, Wording, at, decide
from challenges.anomaly_detection.onsets import alerted
from challenges.anomaly_detection.pacing import paced
from challenges.anomaly_detection.pictures import timeline
from challenges.anomaly_detection.playback import Playback
from challenges.anomaly_detection.scenarios import SEEDS, SERVICES, Span, Strength, first_step_s, stream_start_ms
from challenges.anomaly_detection.silence import CALM_MS, MOST_GROWTH, growth, time_to_silence
from challenges.anomaly_detection.traffic import Source, Traffic, flat, generate, merge, p1_for, steps
from harness.runtime.trial import Trial, Violation

ENDS_S = 1800.0
STAGGER_S = 120.0
Z1, EXTRA_ERRORS_S = 8.5, 21.0
P0 = dict(zip(SEEDS, (0.01, 0.03, 0.002, 0.05, 0.005), strict=True))

SHIFT_RATE = 60.0
FIRST, ENDED, LATER = "at first", "after 30 min", "later step"
SHIFT_WORDING = Wording(
    title="A permanent shift, and a step from there",
    faults={
        FIRST: "a permanent shift of MUST size raised no alert within 2 buckets + 5 s",
        ENDED: "alerts about a permanent shift went on for more than 30 min",
        LATER: "a MUST step from the level that had lasted for more than 30 min had no onset within 2 buckets + 5 s",
    },
    fine="a shift alerted, fell silent within 30 min, and a step from there was detected",
)

UPTIME_RATE = 45.0
WINDOW_S = 60.0
YOUNG, OLD = 60, 240
_STEPS_BETWEEN_LOOKS = 500


def ends_after_ms(declared: Declared) -> int:
    """How long after a shift its last alert may be seen: 30 min, and the lag that an alert may have."""
    return round(ENDS_S * 1000) + declared.lag_ms + GRAIN_MS


def groups(trial: Trial, keys: Sequence[str]) -> list[list[str]]:
    """The seeds that share a process."""
    return [list(keys)] if trial.quick else [[key] for key in keys]


def service_of(key: str) -> str:
    """A name of its own for each seed."""
    return SERVICES[SEEDS.index(key)]


# -- a shift, silence, a later step ----------------------------------------------------------------------------------------


def shift_scene(trial: Trial, key: str, declared: Declared, start_ms: int, end_s: float) -> Scene:
    """One service: the shift, 30 min, a stretch that must be silent, and a step from there."""
    rng = trial.rng(f"AD-07/shift/{key}")
    service, limit_s = service_of(key), declared.onset_limit_ms / 1000
    first = Strength(SHIFT_RATE, P0[key], p1_for(SHIFT_RATE, P0[key], Z1, EXTRA_ERRORS_S))
    later = Strength(SHIFT_RATE, first.p1, p1_for(SHIFT_RATE, first.p1, Z1, EXTRA_ERRORS_S))
    shift_s = first_step_s(declared, rng) + STAGGER_S * SEEDS.index(key)
    ended_s = shift_s + ends_after_ms(declared) / 1000
    later_s = ended_s + declared.hold_ms / 1000 + float(rng.random()) * 10.0
    error = steps(first.p0, (shift_s, first.p1), (later_s, later.p1))
    return Scene(
        traffic=generate([Source(service, flat(SHIFT_RATE), error)], start_ms, end_s, rng),
        gates=(
            Gate(FIRST, service, at(start_ms, shift_s, shift_s + limit_s), "alert"),
            Gate(ENDED, service, at(start_ms, ended_s, later_s), "silence"),
            Gate(LATER, service, at(start_ms, later_s, later_s + limit_s), "onset"),
        ),
        truth=(
            (at(start_ms, shift_s, later_s), f"errors {first.p0:.1%} -> {first.p1:.1%}, for good"),
            (at(start_ms, later_s, end_s), f"errors -> {later.p1:.1%}"),
        ),
        facts={
            "logs/s": SHIFT_RATE,
            "p0": first.p0,
            "p1": round(first.p1, 4),
            "p2": round(later.p1, 4),
            "shift_ms": at(start_ms, shift_s, end_s).from_ms,
            "later_step_ms": at(start_ms, later_s, end_s).from_ms,
        },
    )


def shift_end_s(declared: Declared) -> float:
    """Length of the stream in which every seed's story has room."""
    latest_s = (declared.warmup_ms + declared.bucket_ms) / 1000 + 60 + STAGGER_S * len(SEEDS)
    return latest_s + (ends_after_ms(declared) + declared.hold_ms + declared.onset_limit_ms) / 1000 + 11


def play_shifts(trial: Trial, keys: Sequence[str]) -> list[Seen]:
    """These seeds on one process."""
    start_ms = stream_start_ms(trial.rng("AD-07/shift"))
    detector = Detector.start(trial, start_ms)
    declared = detector.declared
    scenes = {key: shift_scene(trial, key, declared, start_ms, shift_end_s(declared)) for key in keys}
    shifted = max(scene.gates[0].span.to_ms for scene in scenes.values())
    judged = min(scene.gates[1].span.from_ms for scene in scenes.values())
    last_ms = max(scene.gates[2].span.to_ms for scene in scenes.values()) + 1000
    whole = merge([scene.traffic for scene in scenes.values()])
    for playback in paced(whole, [Span(shifted, judged)] if shifted < judged else []):
        detector.play(step for step in playback if step.now_ms <= last_ms)
    detector.close()
    return [Seen(key, scene, detector.alerts) for key, scene in scenes.items()]


@pytest.mark.requirement("AD-07")
def test_a_shift_becomes_normal(trial: Trial) -> None:
    seen = [one for group in groups(trial, trial.cases(SEEDS)) for one in play_shifts(trial, group)]
    decide(trial, seen, SHIFT_WORDING)


# -- time to silence, young and old ----------------------------------------------------------------------------------------


@dataclass(slots=True)
class Shifted:
    """A service that shifts after so many windows of uptime; its alerts, and the time to silence (ms, None if not known yet)."""

    service: str
    traffic: Traffic
    shift_ms: int
    first: Span
    ends_ms: int
    alerts: list[SeenAlert]
    silent_ms: float | None = None

    def look(self, alerts: Sequence[SeenAlert], now_ms: int) -> None:
        """Takes in new alerts, and decides what can be decided."""
        self.alerts += [alert for alert in alerts if alert.service == self.service]
        if self.silent_ms is None:
            times = [alert.seen_ms for alert in self.alerts]
            self.silent_ms = time_to_silence(times, self.shift_ms, self.ends_ms, now_ms)

    @property
    def told(self) -> bool:
        """Whether the shift was alerted in time."""
        return alerted(self.alerts, self.service, self.first.from_ms, self.first.to_ms) is not None

    @property
    def minutes(self) -> str:
        """The time to silence for a reader."""
        if self.silent_ms is None or not self.told:
            return "not alerted"
        return "over 30 min" if math.isinf(self.silent_ms) else f"{self.silent_ms / 60_000:.1f} min"


@dataclass(frozen=True, slots=True)
class Pair:
    """One seed: the same shift after 60 and after 240 windows of uptime."""

    key: str
    young: Shifted
    old: Shifted

    @property
    def both(self) -> tuple[Shifted, Shifted]:
        return self.young, self.old

    @property
    def growth(self) -> float | None:
        """The old one's time over the young one's; None where one of them is not known."""
        young, old = self.young.silent_ms, self.old.silent_ms
        if young is None or old is None or math.isinf(young + old) or not (self.young.told and self.old.told):
            return None
        return growth(young, old)

    @property
    def fault(self) -> str:
        """What is wrong with it, '' if nothing is."""
        if not (self.young.told and self.old.told):
            return "not alerted"
        if any(one.silent_ms == math.inf for one in self.both):
            return "does not end"
        return "grows" if self.growth is not None and self.growth > MOST_GROWTH else ""


def shifted(trial: Trial, key: str, windows: int, declared: Declared, start_ms: int) -> Shifted:
    """The service of one seed that shifts after so many windows, with room for 30 min of alerts and 10 of calm."""
    rng = trial.rng(f"AD-07/uptime/{key}/{windows}")
    service = f"{service_of(key)}-{windows}"
    strength = Strength(UPTIME_RATE, P0[key], p1_for(UPTIME_RATE, P0[key], Z1, EXTRA_ERRORS_S))
    shift_s = windows * WINDOW_S + STAGGER_S * SEEDS.index(key) + float(rng.random()) * WINDOW_S
    ends_ms = ends_after_ms(declared)
    end_s = shift_s + (ends_ms + CALM_MS) / 1000 + 10
    traffic = generate([Source(service, flat(UPTIME_RATE), steps(strength.p0, (shift_s, strength.p1)))], start_ms, end_s, rng)
    first = at(start_ms, shift_s, shift_s + declared.onset_limit_ms / 1000)
    return Shifted(service, traffic, first.from_ms, first, ends_ms, [])


def play_pairs(trial: Trial, keys: Sequence[str]) -> list[Pair]:
    """These seeds on one process, until every time to silence is known."""
    start_ms = stream_start_ms(trial.rng("AD-07/uptime"))
    detector = Detector.start(trial, start_ms)
    pairs = [Pair(key, *(shifted(trial, key, n, detector.declared, start_ms) for n in (YOUNG, OLD))) for key in keys]
    young, old = [pair.young for pair in pairs], [pair.old for pair in pairs]
    whole = merge([one.traffic for one in (*young, *old)], start_ms=start_ms)
    bounds = [(min(one.shift_ms for one in ones), max(one.shift_ms + one.ends_ms for one in ones)) for ones in (young, old)]
    wide = [Span(start_ms, bounds[0][0] - 10_000), Span(bounds[0][1], bounds[1][0] - 10_000)]
    for playback in paced(whole, wide):
        look_on(detector, playback, [*young, *old])
    detector.close()
    return pairs


def look_on(detector: Detector, playback: Playback, services: Sequence[Shifted]) -> None:
    """Plays it, as long as a time to silence is not known."""
    requests = iter(playback)
    while any(one.silent_ms is None for one in services) and (some := list(islice(requests, _STEPS_BETWEEN_LOOKS))):
        detector.play(some)
        alerts = detector.take_alerts()
        for one in services:
            one.look(alerts, detector.newest_ms)


FAULTS = {
    "not alerted": "a permanent shift of MUST size, after an hour or four of uptime, raised no alert within 2 buckets + 5 s",
    "does not end": "alerts about a permanent shift, after an hour or four of uptime, went on for more than 30 min",
    "grows": f"a shift took more than {MOST_GROWTH:g} times as long to become normal after {OLD} min of uptime as after {YOUNG} "
    "(60 s added to both)",
}


@pytest.mark.requirement("AD-07")
def test_time_to_silence_does_not_grow(trial: Trial) -> None:
    keys = trial.cases(SEEDS[:2] if trial.quick else SEEDS)
    pairs = [pair for group in groups(trial, keys) for pair in play_pairs(trial, group)]
    wrong = [pair for pair in pairs if pair.fault]
    trial.evidence(picture((wrong or pairs)[0]))
    trial.evidence(table(pairs))
    for fault, words in FAULTS.items():
        faulty = [pair for pair in pairs if pair.fault == fault]
        if trial.fails(len(faulty), len(pairs)):
            raise too_slow(faulty, len(pairs), words)
    trial.credit(1 - len(wrong) / len(pairs))
    known = [pair.growth for pair in pairs if pair.growth is not None]
    trial.summary(
        f"after {OLD} min of uptime a shift took {max(known):.2f} times as long to become normal as after {YOUNG} min"
    )


def picture(pair: Pair) -> dict[str, Any]:
    """The old service around its shift."""
    old = pair.old
    window = Span(old.shift_ms - 120_000, old.traffic.end_ms)
    title = f"A permanent shift after {OLD} min of uptime, {pair.key}: silent after {old.minutes} (after {YOUNG} min of uptime: {pair.young.minutes})"
    truth = [(Span(old.shift_ms, old.traffic.end_ms), "errors at the new level")]
    return timeline(title, old.traffic, old.service, old.alerts, truth=truth, allowed=[old.first], window=window)


def table(pairs: Sequence[Pair]) -> dict[str, Any]:
    """Every pair's times."""
    rows = [
        [pair.key, pair.young.minutes, pair.old.minutes, "-" if pair.growth is None else f"{pair.growth:.2f}"] for pair in pairs
    ]
    columns = ["seed", f"silent, up {YOUNG} min", f"silent, up {OLD} min", "(old + 60 s) / (young + 60 s)"]
    return {"kind": "table", "title": "Time to silence after a permanent shift", "columns": columns, "rows": rows}


def too_slow(faulty: Sequence[Pair], of: int, words: str) -> Violation:
    """The failure, with the first pair's times as its witness."""
    pair = faulty[0]
    return Violation(
        f"in {len(faulty)} of {of} seeds {words}: {pair.young.minutes}, then {pair.old.minutes}",
        witness={
            "cases": [pair.key],
            "logs_per_s": UPTIME_RATE,
            "p0": P0[pair.key],
            "shift_ms": {one.service: one.shift_ms for one in pair.both},
            "expected": f"alerts within 2 buckets + 5 s that end within 30 min; (old + 60 s) / (young + 60 s) <= {MOST_GROWTH:g}",
            "got": {one.service: one.minutes for one in pair.both},
            "growth": None if pair.growth is None else round(pair.growth, 3),
            "wrong": [one.key for one in faulty],
        },
    )
