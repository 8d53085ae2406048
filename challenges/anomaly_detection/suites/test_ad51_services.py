"""AD-51: 100,000 services that are seen once each, over an hour of stream, and 100,000 more over the next.

A service that sends all the while must still be watched afterwards: a MUST step in it is detected, if it is without the
others. Memory is the least that
the process holds in the minutes after each hour, so that a collector has had its chance.
"""

from __future__ import annotations

from dataclasses import dataclass

import pytest

from challenges.anomaly_detection.detector import Detector
from challenges.anomaly_detection.onsets import onsets
from challenges.anomaly_detection.pictures import timeline
from challenges.anomaly_detection.playback import log_json
from challenges.anomaly_detection.scenarios import Span, Story, must_strength, step_story
from harness.runtime.trial import Trial, Undecided, Violation

RATE, P0, Z1 = 40.0, 0.01, 15.0
SERVICES = 100_000
HOUR_S = 3_600
SETTLE_S = 300
MOST_BYTES = 256 * 2**20
MOST_MORE = 0.10
BATCH = 50
_MIB = 2**20


@dataclass(slots=True)
class Seen:
    """Resident bytes: before the first of them, the least after the first 100,000, the least after the second."""

    before: int
    first: int
    second: int
    detected: bool


def flood(names: range, now_ms: int) -> bytes:
    """One log of each of those services, as the inside of a JSON list."""
    return b",".join(log_json(str(now_ms), f"job-{name * 7919 % 2**31:08x}-{name}", "info", "done") for name in names)


def detected_alone(trial: Trial, told: Story) -> bool:
    """The control: whether the step is detected where the live service is the only one."""
    detector = Detector.start(trial, told.traffic.start_ms)
    detector.play(told.playback, until=told.stops_at(0))
    detector.close()
    return told.detections(onsets(detector.alerts))[0] is not None


def play(detector: Detector, told: Story) -> Seen:
    """The live service's stream, with the others strewn in for two hours, each followed by some minutes of quiet."""
    rss = detector.process.rss_bytes
    start_ms = told.traffic.start_ms + detector.declared.warmup_ms
    step_ms = HOUR_S * 1000 * BATCH // SERVICES
    hours = [Span(start, start + HOUR_S * 1000) for start in (start_ms, start_ms + (HOUR_S + SETTLE_S) * 1000)]
    sent, before = 0, 0
    least = [0, 0]
    detects = told.stops_at(0)
    for step in told.playback:
        for number, hour in enumerate(hours):
            while hour.from_ms <= step.now_ms and sent < (number + 1) * SERVICES:
                due_ms = hour.from_ms + (sent - number * SERVICES) // BATCH * step_ms
                if due_ms > step.now_ms:
                    break
                before = before or rss()
                detector.ingest_json(flood(range(sent, sent + BATCH), step.now_ms), BATCH, step.now_ms)
                sent += BATCH
            if hour.to_ms <= step.now_ms < hour.to_ms + SETTLE_S * 1000 and not step.logs:
                least[number] = min(least[number] or rss(), rss())
        if detector.play([step], until=detects):
            break
    detected = told.detections(onsets(detector.alerts))[0] is not None
    return Seen(before, least[0], least[1], detected)


@pytest.mark.requirement("AD-51")
def test_services_come_and_go(trial: Trial) -> None:
    probe = trial.start(wall_ms=1_748_822_400_000)
    detector = Detector(trial, probe)
    later_s = 2 * (HOUR_S + SETTLE_S)
    told = step_story("live", must_strength(RATE, P0, Z1), detector.declared, trial.rng("AD-51"), later_s=later_s)
    seen = play(detector, told)
    probe.close()
    added, more = (seen.first - seen.before) / _MIB, (seen.second - seen.first) / seen.first
    figures = {
        "before_mib": round(seen.before / _MIB, 1),
        "after 100,000_mib": round(seen.first / _MIB, 1),
        "after 200,000_mib": round(seen.second / _MIB, 1),
        "second 100,000, share": round(more, 4),
        "live service's step": "detected" if seen.detected else "missed",
    }
    trial.evidence({"kind": "memory", "title": "Services seen once each", "figures": figures, "lines": []})
    words = f"100,000 services once each took {added:.0f} MiB, the second 100,000 {more:+.1%}"
    trial.summary(f"{words}; the live service's step was detected")
    wrong = []
    if seen.first - seen.before >= MOST_BYTES:
        wrong.append(f"{MOST_BYTES // _MIB} MiB are the limit")
    if more >= MOST_MORE:
        wrong.append(f"the second 100,000 may add {MOST_MORE:.0%}")
    can_tell = seen.detected or detected_alone(trial, told)
    if not seen.detected and can_tell:
        wrong.append("a MUST step in the service that sent all the while went unnoticed")
        around = Span(told.spikes[0].from_ms - 120_000, told.traffic.end_ms)
        trial.evidence(
            timeline("The live service", told.traffic, told.service, detector.alerts, allowed=told.allowed, window=around)
        )
    if wrong:
        raise Violation(f"{words}: {'; '.join(wrong)}", witness={**told.witness(), **figures})
    if not can_tell:
        raise Undecided(
            f"{words}; whether a live service still works cannot be told: its step is missed without the others too"
        )
