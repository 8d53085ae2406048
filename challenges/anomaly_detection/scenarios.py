"""Stories that several suites tell: a service warms up, stays steady, and has one or more steps of known size."""

from __future__ import annotations

from collections.abc import Callable, Sequence
from dataclasses import dataclass
from typing import Any, TypeVar

import numpy as np

from challenges.anomaly_detection.alerts import Declared, SeenAlert
from challenges.anomaly_detection.onsets import Onset, Tracker, detection
from challenges.anomaly_detection.playback import Playback
from challenges.anomaly_detection.traffic import Source, Traffic, flat, generate, p1_for, steps, z1
from harness.runtime.trial import Trial, Undecided

T = TypeVar("T")

SEEDS = tuple(f"seed-{n}" for n in range(5))
SERVICES = ("checkout", "cart", "search", "payments", "catalog", "mailer", "identity", "shipping", "pricing", "media")

MUST_Z1 = 8.0
MUST_EXTRA_ERRORS_S = 20.0
SETTLE_S = 30.0
FULL_CREDIT_S = 10.0
# The longest delay that any candidate is allowed (60 s buckets); there half of the credit is left.
HALF_CREDIT_S = 125.0

_EPOCH_MS = 1_748_822_400_000  # a Monday, 2 June 2025, 00:00 UTC
_DAY_MS = 86_400_000
_WEEK_MS = 7 * _DAY_MS


def stream_start_ms(rng: np.random.Generator) -> int:
    """A start within one fixed week, on no particular boundary."""
    return _EPOCH_MS + int(rng.random() * _WEEK_MS)


def start_before_midnight_ms(rng: np.random.Generator, after_s: float) -> int:
    """A start from which it takes `after_s` seconds to a midnight (UTC) within the same week, or to its end."""
    days = 1 + int(rng.random() * 7)
    return _EPOCH_MS + days * _DAY_MS - round(after_s * 1000)


@dataclass(frozen=True, slots=True)
class Strength:
    """A step of the error share from p0 to p1 at `rate` logs/s."""

    rate: float
    p0: float
    p1: float

    @property
    def z1(self) -> float:
        return z1(self.rate, self.p0, self.p1)

    @property
    def extra_errors_s(self) -> float:
        return (self.p1 - self.p0) * self.rate

    @property
    def is_must(self) -> bool:
        """Whether the step lies in the MUST zone."""
        return self.z1 >= MUST_Z1 and self.extra_errors_s >= MUST_EXTRA_ERRORS_S


def must_strength(rate: float, p0: float, wanted_z1: float) -> Strength:
    """A step of that effect size, or larger where 20 extra errors/s (and a fifth more) ask for it.

    Raises ValueError if it would not lie in the MUST zone.
    """
    strength = Strength(rate, p0, p1_for(rate, p0, wanted_z1, 1.2 * MUST_EXTRA_ERRORS_S))
    if not strength.is_must:
        raise ValueError(f"{strength} is not in the MUST zone")
    return strength


@dataclass(frozen=True, slots=True)
class Span:
    """A stretch of the stream, epoch milliseconds, the end excluded."""

    from_ms: int
    to_ms: int


@dataclass(frozen=True, slots=True)
class Story:
    """One service's traffic, when gating starts, where its steps are, and in which spans their onsets count."""

    key: str
    service: str
    strength: Strength
    playback: Playback
    gated_ms: int
    spikes: tuple[Span, ...]
    allowed: tuple[Span, ...]

    @property
    def traffic(self) -> Traffic:
        return self.playback.traffic

    def detections(self, found: Sequence[Onset]) -> list[Onset | None]:
        """For each spike the onset that detects it, or None."""
        return [detection(found, self.service, span.from_ms, span.to_ms) for span in self.allowed]

    def stops_at(self, spike: int) -> Callable[[SeenAlert], bool]:
        """A fresh predicate over alerts, in order: whether one is the onset that detects that spike."""
        tracker, span = Tracker(), self.allowed[spike]

        def detects(alert: SeenAlert) -> bool:
            onset = tracker.add(alert)
            return onset is not None and detection([onset], self.service, span.from_ms, span.to_ms) is not None

        return detects

    def expected(self, spike: int = 0) -> str:
        """What that spike asks for, for a reader."""
        return f"an onset for {self.service!r} from {self.allowed[spike].from_ms} to {self.allowed[spike].to_ms}"

    def witness(self) -> dict[str, Any]:
        """The parameters of the traffic, for a reader."""
        s = self.strength
        return {
            "cases": [self.key],
            "service": self.service,
            "logs_per_s": s.rate,
            "p0": round(s.p0, 5),
            "p1": round(s.p1, 5),
            "z1": round(s.z1, 2),
            "stream_start_ms": self.traffic.start_ms,
            "spikes_ms": [[span.from_ms, span.to_ms] for span in self.spikes],
        }


def first_step_s(declared: Declared, rng: np.random.Generator) -> float:
    """Seconds after the start: warm-up, a settled stretch, and a phase that no bucket boundary knows of."""
    bucket_s = declared.bucket_ms / 1000
    return declared.warmup_ms / 1000 + SETTLE_S + float(rng.random()) * max(10.0, bucket_s)


def spiky(service: str, strength: Strength, spikes_s: Sequence[tuple[float, float]], *, odd_case: bool = False) -> Source:
    """A service at p0, and at p1 within each of the spikes (seconds after the start)."""
    changes = [change for from_s, to_s in spikes_s for change in ((from_s, strength.p1), (to_s, strength.p0))]
    return Source(service, flat(strength.rate), steps(strength.p0, *changes), odd_case)


def story(
    key: str,
    strength: Strength,
    spikes_s: Sequence[tuple[float, float]],
    *,
    start_ms: int,
    end_s: float,
    declared: Declared,
    rng: np.random.Generator,
) -> Story:
    """A story of one service with steps at the given seconds after its start."""
    service = SERVICES[int(rng.random() * len(SERVICES))]
    spikes = tuple(Span(start_ms + round(a * 1000), start_ms + round(b * 1000)) for a, b in spikes_s)
    return Story(
        key=key,
        service=service,
        strength=strength,
        playback=Playback(generate([spiky(service, strength, spikes_s)], start_ms, end_s, rng)),
        gated_ms=start_ms + declared.warmup_ms,
        spikes=spikes,
        allowed=tuple(Span(span.from_ms, span.from_ms + declared.onset_limit_ms) for span in spikes),
    )


def step_story(key: str, strength: Strength, declared: Declared, rng: np.random.Generator, *, later_s: float = 0.0) -> Story:
    """A story of one step, cut off just after its onset must have come; `later_s` puts off the step."""
    start_ms = stream_start_ms(rng)
    step_s = first_step_s(declared, rng) + later_s
    end_s = step_s + declared.onset_limit_ms / 1000 + 1
    return story(key, strength, [(step_s, end_s)], start_ms=start_ms, end_s=end_s, declared=declared, rng=rng)


def delay_credit(delay_s: float) -> float:
    """Credit of one detection by its raw delay in seconds: full to 10 s, then linearly to a half at 125 s."""
    late = (delay_s - FULL_CREDIT_S) / (HALF_CREDIT_S - FULL_CREDIT_S)
    return 1.0 - 0.5 * min(1.0, max(0.0, late))


def gather(trial: Trial, keys: Sequence[str], play: Callable[[Trial, str], T], wrong: Callable[[T], bool]) -> list[T]:
    """Each case played in turn. Raises Undecided when time runs out, unless what was seen decides for `fail` already."""
    seen: list[T] = []
    for key in keys:
        try:
            seen.append(play(trial, key))
        except Undecided:
            if trial.fails(sum(map(wrong, seen)), len(keys)):
                return seen
            raise
    return seen
