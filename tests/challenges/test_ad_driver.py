"""The driver of a detector, and what it accepts as a reply."""

from __future__ import annotations

from typing import Any

import numpy as np
import pytest
from fake_candidate import FakeTrial, Good

from challenges.anomaly_detection.alerts import Declared, read_alert, read_declared
from challenges.anomaly_detection.detector import Detector
from challenges.anomaly_detection.playback import Playback
from challenges.anomaly_detection.traffic import Source, flat, generate, steps
from harness.errors import CandidateBrokeProtocol, Undecided

START_MS = 1_750_000_000_123
ALERT = {"ts_ms": 5, "service": "a", "kind": "error_rate", "severity": "low", "score": 1.5, "message": "m"}


def stream(seconds: float = 100.0) -> Playback:
    source = Source("a", flat(50.0), steps(0.01, (80.0, 0.6)))
    return Playback(generate([source], START_MS, seconds, np.random.default_rng(1)))


def driven(make: type[Good]) -> Detector:
    return Detector.start(FakeTrial(make), START_MS)  # type: ignore[arg-type]  # a fake of the same shape


def test_alerts_are_kept_with_the_moment_at_which_they_were_seen() -> None:
    detector = driven(Good)
    assert detector.play(stream()) is False
    first = detector.alerts[0]
    assert (first.service, first.kind) == ("a", "error_rate")
    assert START_MS + 80_000 < first.seen_ms < START_MS + 91_000
    assert first.seen_ms % 1000 == 0 and first.by_tick


def test_playing_stops_at_the_alert_that_was_waited_for() -> None:
    detector = driven(Good)
    assert detector.play(stream(), until=lambda alert: alert.kind == "error_rate") is True
    assert len(detector.alerts) == 1 and detector.newest_ms == detector.alerts[0].seen_ms


def test_the_clock_is_moved_before_each_request() -> None:
    detector = driven(Good)
    detector.play(stream(5.0))
    process: Any = detector.process
    assert process.wall_moves == [params["now_ms"] for _, params in process.calls]


def test_a_reset_forgets_what_was_seen() -> None:
    detector = driven(Good)
    detector.play(stream())
    detector.reset(START_MS)
    assert detector.alerts == [] and detector.newest_ms == 0
    detector.play(stream(75.0))
    assert detector.alerts == []


def test_a_used_up_budget_leaves_it_undecided() -> None:
    trial = FakeTrial(Good)
    trial.budget_left = 1
    with pytest.raises(Undecided, match="too slow"):
        Detector.start(trial, START_MS).play(stream(600.0))  # type: ignore[arg-type]  # a fake of the same shape


class Answers(Good):
    """Answers what it is told to."""

    reply: Any = None

    def ingest(self, logs: list[Any], now_ms: int) -> Any:
        return self.reply(len(logs), now_ms)


def reply_of(reply: Any) -> type[Good]:
    return type("Said", (Answers,), {"reply": staticmethod(reply)})


def counted(n: int, alerts: Any) -> dict[str, Any]:
    return {"accepted": n, "rejected": 0, "alerts": alerts}


@pytest.mark.parametrize(
    ("reply", "says"),
    [
        (lambda n, now: {"accepted": n - 1, "rejected": 0, "alerts": []}, "must add up to"),
        (lambda n, now: {"accepted": n, "alerts": []}, "as counts"),
        (lambda n, now: {"accepted": float(n), "rejected": 0, "alerts": []}, "as counts"),
        (lambda n, now: {"accepted": n + 1, "rejected": -1, "alerts": []}, "as counts"),
        (lambda n, now: {"accepted": n, "rejected": 0}, "needs 'alerts' as a list"),
        (lambda n, now: counted(n, None), "needs 'alerts' as a list"),
        (lambda n, now: counted(n, ["high"]), "each alert must be an object"),
        (lambda n, now: counted(n, [{**ALERT, "ts_ms": now - 60_000}]), "may lag behind"),
        (lambda n, now: counted(n, [{**ALERT, "ts_ms": now, "kind": f"kind-{k}"} for k in range(9)]), "8 kinds"),
    ],
)
def test_a_reply_that_breaks_the_protocol_is_named(reply: Any, says: str) -> None:
    with pytest.raises(CandidateBrokeProtocol, match=says):
        driven(reply_of(reply)).play(stream(2.0))


def test_an_alert_may_lag_by_bucket_and_lateness() -> None:
    detector = driven(reply_of(lambda n, now: counted(n, [{**ALERT, "ts_ms": now - 5_000}])))
    detector.play(stream(2.0))
    assert detector.alerts


@pytest.mark.parametrize(
    "change",
    [
        {"service": 7},
        {"kind": ""},
        {"kind": None},
        {"severity": "urgent"},
        {"message": None},
        {"ts_ms": "5"},
        {"ts_ms": True},
        {"score": "high"},
        {"score": False},
    ],
)
def test_a_wrong_field_of_an_alert_is_named(change: dict[str, Any]) -> None:
    with pytest.raises(CandidateBrokeProtocol, match=next(iter(change))):
        read_alert({**ALERT, **change}, 9, by_tick=False)


@pytest.mark.parametrize("score", [None, 0, -3.5, "NaN", "Infinity", "-Infinity"])
def test_these_scores_are_read(score: Any) -> None:
    assert read_alert({**ALERT, "score": score}, 9, by_tick=False).score == score


def test_declared_values_and_what_follows_from_them() -> None:
    declared = read_declared({"bucket_ms": 10_000, "warmup_ms": 60_000, "lateness_ms": 3_000})
    assert declared == Declared(10_000, 60_000, 3_000)
    assert (declared.onset_limit_ms, declared.hold_ms, declared.lag_ms) == (25_000, 120_000, 13_000)
    assert Declared(60_000, 0, 0).hold_ms == 190_000


@pytest.mark.parametrize("change", [{"bucket_ms": None}, {"bucket_ms": 60_001}, {"warmup_ms": -1}, {"lateness_ms": "3 s"}])
def test_a_wrong_declaration_is_named(change: dict[str, Any]) -> None:
    said = {"bucket_ms": 1, "warmup_ms": 1, "lateness_ms": 1, **change}
    with pytest.raises(CandidateBrokeProtocol, match=next(iter(change))):
        read_declared(said)
