"""What no operator should be sent: texts that are faulty, and texts that only look like it."""

from __future__ import annotations

import pytest

from challenges.anomaly_detection.alerts import SeenAlert
from challenges.anomaly_detection.hygiene import faults, first_faulty, text_faults


@pytest.mark.parametrize(
    "text",
    [
        "z = NaN",
        "score nan, threshold 3",
        "rate is Infinity times the usual",
        "up -inf%",
        "ratio inf",
        "ratio Infinityx",
        "rose by ∞",
        "600000000x the usual",
        "600000000.00x",
        "10001x",
        "12,345.6 x above baseline",
        "6e8x",
        "6.0e+08× more",
        "spike (20000×)",
        "error share up 60000000000%",
    ],
)
def test_faulty(text: str) -> None:
    assert text_faults(text)


@pytest.mark.parametrize(
    "text",
    [
        "",
        "errors 31.2 % (usual 0.1 %), 312x",
        "10000x",
        "9,999.9 × the usual",
        "info: nothing to see, information follows",
        "banana split, nano service, inference",
        "at 1750000000000 the rate was 50000 per minute",
        "address 0xFFFF1234 and 1920x1080",
        "23456 xylophones",
        "level INFO",
        "share 100 %",
    ],
)
def test_harmless(text: str) -> None:
    assert not text_faults(text)


def alert(score: float | str | None, message: str = "fine") -> SeenAlert:
    return SeenAlert(1, 1, "a", "error_rate", "low", score, message)


def test_scores_that_are_not_finite_are_faults_and_null_is_none() -> None:
    assert [bool(faults(alert(score))) for score in ("NaN", "Infinity", "-Infinity", None, 1e300, 0)] == [True] * 3 + [
        False
    ] * 3


def test_the_first_faulty_alert_is_found() -> None:
    alerts = [alert(1.0), alert(None, "1e9x"), alert("NaN")]
    found = first_faulty(alerts)
    assert found is not None and found[0] is alerts[1]
    assert first_faulty(alerts[:1]) is None
