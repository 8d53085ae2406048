"""Floods of services, and rows that must be refused."""

import numpy as np
import pytest
from detector_streams import T0_MS, drive, one, step

from reference_impl.detector import Detector
from reference_impl.detector.columns import observe_columns
from reference_impl.detector.registry import MAX_NAME_CHARS, MAX_SERVICES, valid_name
from reference_impl.detector.series import Baseline, Series


def flood(detector: Detector, names: list[str], begin_ms: int, span_ms: int) -> None:
    for i, name in enumerate(names):
        assert detector.observe(begin_ms + i * span_ms // len(names), name, False)


def test_services_seen_once_are_forgotten_and_live_ones_are_not() -> None:
    detector = Detector()
    rows = one(200, step(0.01, 0.4, (100, 120)), 130)
    drive(rows, 80, detector=detector)
    flood(detector, [f"once-{i}" for i in range(100_000)], T0_MS + 80_000, 5000)
    flood(detector, ["x" * 9000 + str(i) for i in range(1000)], T0_MS + 85_000, 1000)
    heard = drive(rows, 130, detector=detector, begin_s=86)
    assert detector.services <= MAX_SERVICES + 1
    assert sum(map(len, detector.memory.newcomers)) <= MAX_NAME_CHARS
    assert 100 < heard.onsets()[0] < 107


def test_busy_services_are_bounded_too() -> None:
    detector = Detector()
    detector.memory.series.update(
        {f"s{i}": Series(first=0, last=i, base=Baseline(), ring=[0] * 32) for i in range(MAX_SERVICES)}
    )
    flood(detector, ["new"] * 300, T0_MS, 1000)
    detector.pass_time(T0_MS, False)
    flood(detector, ["new"] * 300, T0_MS + 4000, 1000)
    assert "new" in detector.memory.series
    assert "s0" not in detector.memory.series
    assert len(detector.memory.series) <= MAX_SERVICES


@pytest.mark.parametrize("service", ["", None, 3, True, ["a"], "x" * 10_241, "é" * 5121, "\ud800"])
def test_no_service(service: object) -> None:
    assert not Detector().observe(T0_MS, service, True)


@pytest.mark.parametrize("service", ["a", "x" * 10_240, "é" * 5120, "\U0001f600", "שלום", "__proto__", "a/b:c\nd"])
def test_any_text_is_a_service(service: str) -> None:
    assert valid_name(service)
    assert Detector().observe(T0_MS, service, True)


@pytest.mark.parametrize("ts_ms", [None, True, "5", float("nan"), float("inf"), -1, -0.5, [T0_MS], 10**400, 1e308, 2**53 + 2])
def test_no_time(ts_ms: object) -> None:
    detector = Detector()
    assert not detector.observe(ts_ms, "a", True)
    assert detector.memory == Detector().memory


def test_times_that_are_taken() -> None:
    detector = Detector()
    assert detector.observe(T0_MS, "a", False, T0_MS)
    for ts_ms in (T0_MS + 0.5, T0_MS, T0_MS - 3000, T0_MS + 60_000):
        assert detector.observe(ts_ms, "a", False, T0_MS)
    assert not detector.observe(T0_MS + 3_600_000, "a", False, T0_MS)


GOOD = (np.array([T0_MS]), np.array([0]), np.array([True]))


@pytest.mark.parametrize(
    ("columns", "services", "error"),
    [
        ((GOOD[0].astype(np.float64), *GOOD[1:]), ["a"], TypeError),
        ((GOOD[0], GOOD[1].astype(np.int32), GOOD[2]), ["a"], TypeError),
        ((*GOOD[:2], np.array([1])), ["a"], TypeError),
        ((*GOOD[:2], np.array([True, False])), ["a"], ValueError),
        ((GOOD[0], np.array([1]), GOOD[2]), ["a"], ValueError),
        ((GOOD[0], np.array([-1]), GOOD[2]), ["a"], ValueError),
        (GOOD, [""], ValueError),
    ],
)
def test_columns_that_are_none(columns: tuple[np.ndarray, ...], services: list[str], error: type) -> None:
    detector = Detector()
    with pytest.raises(error):
        observe_columns(detector, *columns, services)
    assert detector.memory == Detector().memory
