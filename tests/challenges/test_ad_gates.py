"""Gates over hand-written alerts: what holds, what does not, and when five seeds decide for a failure."""

from __future__ import annotations

from typing import Any, Literal

import fake_candidate as fakes
import numpy as np
import pytest
from fake_candidate import FakeTrial

from challenges.anomaly_detection.alerts import SeenAlert
from challenges.anomaly_detection.gates import Gate, Scene, Seen, Wording, at, decide
from challenges.anomaly_detection.scenarios import SEEDS, Span
from challenges.anomaly_detection.traffic import Source, flat, generate
from harness.errors import Violation

START_MS = 1_750_000_000_000
Wants = Literal["silence", "alert", "onset"]


def heard(second: float, *, service: str = "cart", kind: str = "error_rate") -> SeenAlert:
    ms = START_MS + round(second * 1000)
    return SeenAlert(ms, ms, service, kind, "high", 9.0, "too many errors")


def gate(wants: Wants, *, name: str = "the step", but: frozenset[str] = frozenset()) -> Gate:
    return Gate(name, "cart", Span(START_MS + 60_000, START_MS + 75_000), wants, but)


@pytest.mark.parametrize(
    ("wants", "alerts", "holds"),
    [
        ("silence", [], True),
        ("silence", [heard(59.9), heard(75.1), heard(70, service="search")], True),
        ("silence", [heard(60)], False),
        ("silence", [heard(75, kind="volume")], False),
        ("alert", [heard(59), heard(70)], True),
        ("alert", [heard(70, kind="volume")], False),
        ("alert", [heard(75.1)], False),
        ("onset", [heard(70)], True),
        ("onset", [heard(59), heard(70)], False),
        ("onset", [heard(29), heard(70)], True),
        ("onset", [heard(70, service="search")], False),
    ],
)
def test_a_gate_holds_or_not(wants: Wants, alerts: list[SeenAlert], holds: bool) -> None:
    assert gate(wants).holds(alerts) is holds
    meets = gate(wants).met_by()
    assert any(meets(alert) for alert in alerts) is (holds and wants != "silence")


def test_an_excepted_kind_breaks_no_silence() -> None:
    quiet = gate("silence", but=frozenset({"volume"}))
    assert quiet.holds([heard(61, kind="volume")]) and not quiet.holds([heard(61, kind="rate_of_change")])
    assert "but of kind volume" in quiet.expected()


def seen(key: str, alerts: list[SeenAlert]) -> Seen:
    traffic = generate([Source("cart", flat(5.0), flat(0.1))], START_MS, 80.0, np.random.default_rng(1))
    calm = Gate("calm", "cart", Span(START_MS + 30_000, START_MS + 59_999), "silence")
    return Seen(
        key, Scene(traffic, (calm, gate("alert")), ((Span(START_MS + 60_000, START_MS + 80_000), "step"),), {"p0": 0.1}), alerts
    )


WORDING = Wording("A step", {"calm": "calm was disturbed", "the step": "the step went unseen"}, "calm, then seen")
RIGHT, NOISY, BLIND = [heard(70)], [heard(40), heard(70)], [heard(10)]


def test_three_of_five_wrong_in_one_interval_fail() -> None:
    trial: Any = FakeTrial(fakes.Good)
    with pytest.raises(Violation, match="in 3 of 5 seeds the step went unseen") as caught:
        decide(
            trial, [seen(key, alerts) for key, alerts in zip(SEEDS, (RIGHT, BLIND, RIGHT, BLIND, BLIND), strict=True)], WORDING
        )
    witness = caught.value.witness
    assert caught.value.credit == pytest.approx(0.4)
    assert witness["cases"] == ["seed-1"] and witness["wrong"] == ["seed-1", "seed-3", "seed-4"]
    assert witness["interval"] == "the step" and "no alert" in witness["got"] and witness["p0"] == 0.1
    assert [item["kind"] for item in trial.evidences] == ["timeline", "table"]


def test_two_and_two_wrong_in_different_intervals_do_not() -> None:
    trial: Any = FakeTrial(fakes.Good)
    decide(trial, [seen(key, alerts) for key, alerts in zip(SEEDS, (NOISY, NOISY, RIGHT, BLIND, BLIND), strict=True)], WORDING)
    assert trial.credits == [0.6] and "in 1 of 5 seeds" in trial.summaries[0]


def test_on_a_replay_one_wrong_seed_fails() -> None:
    trial: Any = FakeTrial(fakes.Good, cases=["seed-1"])
    with pytest.raises(Violation, match="in 1 of 1 seeds calm was disturbed") as caught:
        decide(trial, [seen("seed-1", NOISY)], WORDING)
    assert caught.value.witness["got"][0]["seen_ms"] == START_MS + 40_000


def test_seconds_become_epoch_milliseconds() -> None:
    assert at(START_MS, 1.5, 2.0004) == Span(START_MS + 1500, START_MS + 2000)
