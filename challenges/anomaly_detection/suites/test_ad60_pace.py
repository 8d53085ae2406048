"""AD-60: at most one raw alert per service and kind in 10 s, whatever kind of trouble there is."""

from __future__ import annotations

from collections.abc import Callable, Sequence
from dataclasses import dataclass
from typing import Any

import pytest

from challenges.anomaly_detection.alerts import SeenAlert
from challenges.anomaly_detection.detector import Detector
from challenges.anomaly_detection.gates import at
from challenges.anomaly_detection.pace import APART_MS, Neighbours, neighbours
from challenges.anomaly_detection.pictures import timeline
from challenges.anomaly_detection.playback import Playback
from challenges.anomaly_detection.scenarios import SEEDS, Span, first_step_s, stream_start_ms
from challenges.anomaly_detection.traffic import Curve, Source, Traffic, flat, generate, steps
from harness.runtime.trial import Trial, Undecided, Violation

RATE = 50.0
P0 = 0.01
MORE_S = 60.0
_LEAD_MS = 30_000


def strobe(at_s: float, end_s: float) -> Curve:
    """15 s of half errors, 15 s of calm, and again."""
    beats = [(at_s + 15.0 * n, P0 if n % 2 else 0.5) for n in range(int((end_s - at_s) / 15.0))]
    return steps(P0, *beats)


# What befalls each service from (the second at which it begins, that of the end).
TROUBLES: dict[str, Callable[[float, float], Curve]] = {
    "held": lambda at_s, end_s: steps(P0, (at_s, 0.5)),
    "strobing": strobe,
    "worsening": lambda at_s, end_s: steps(P0, (at_s, 0.1), (at_s + 20, 0.25), (at_s + 40, 0.5), (at_s + 60, 0.9)),
    "climbing": lambda at_s, end_s: Curve(((at_s, P0), (end_s, 0.9))),
}


@dataclass(frozen=True, slots=True)
class Seen:
    """One seed's stream, and what was said after the warm-up."""

    key: str
    traffic: Traffic
    trouble: Span
    alerts: list[SeenAlert]

    @property
    def close(self) -> list[Neighbours]:
        return [pair for pair in neighbours(self.alerts) if pair.too_close]


def play(trial: Trial, key: str) -> Seen:
    """One seed on a process of its own: a service for each kind of trouble."""
    rng = trial.rng(f"AD-60/{key}")
    start_ms = stream_start_ms(rng)
    detector = Detector.start(trial, start_ms)
    declared = detector.declared
    at_s = first_step_s(declared, rng)
    end_s = at_s + declared.hold_ms / 1000 + MORE_S
    sources = [Source(name, flat(RATE), curve(at_s, end_s)) for name, curve in TROUBLES.items()]
    traffic = generate(sources, start_ms, end_s, rng)
    detector.play(Playback(traffic))
    detector.close()
    gated = [alert for alert in detector.alerts if alert.seen_ms >= start_ms + declared.warmup_ms]
    return Seen(key, traffic, at(start_ms, at_s, end_s), gated)


@pytest.mark.requirement("AD-60")
def test_pace_of_alerts(trial: Trial) -> None:
    seen = [play(trial, key) for key in trial.cases(SEEDS)]
    hasty = [one for one in seen if one.close]
    trial.evidence(picture((hasty or seen)[0]))
    if hasty:
        raise violation(hasty, len(seen))
    pairs = [pair for one in seen for pair in neighbours(one.alerts)]
    if not any(one.alerts for one in seen):
        raise Undecided("no trouble of any kind raised an alert: there is no pace to judge")
    least = f", the closest two {min(pair.apart_ms for pair in pairs) / 1000:.1f} s apart" if pairs else ""
    trial.summary(f"{sum(len(one.alerts) for one in seen)} alerts in {len(seen)} seeds{least}")


def picture(one: Seen) -> dict[str, Any]:
    """The service whose alerts are closest, or the first."""
    service = one.close[0].second.service if one.close else next(iter(TROUBLES))
    window = Span(one.trouble.from_ms - _LEAD_MS, one.trouble.to_ms)
    truth = [(one.trouble, service)]
    title = f"Pace of alerts, {one.key}, {service}: {len(one.close)} came too soon after another"
    return timeline(title, one.traffic, service, one.alerts, truth=truth, window=window)


def violation(hasty: Sequence[Seen], of: int) -> Violation:
    """The failure, with the closest two alerts of its first seed."""
    first = hasty[0]
    pair = min(first.close, key=lambda two: two.apart_ms)
    return Violation(
        f"raw alerts of one service and kind came {pair.apart_ms / 1000:.1f} s apart (in {len(hasty)} of {of} seeds "
        f"some came sooner than {APART_MS // 1000} s after another)",
        witness={
            "cases": [first.key],
            "service": pair.second.service,
            "kind": pair.second.kind,
            "expected": f"at most one raw alert per service and kind in {APART_MS // 1000} s",
            "got": [pair.first.shown(), pair.second.shown()],
            "too_close": {one.key: len(one.close) for one in hasty},
        },
    )
