"""Time to silence, the pace of alerts, streams at two paces, and traffic without variance."""

from __future__ import annotations

import math

import numpy as np
import pytest

from challenges.anomaly_detection.alerts import SeenAlert
from challenges.anomaly_detection.pace import neighbours
from challenges.anomaly_detection.pacing import paced
from challenges.anomaly_detection.playback import Playback
from challenges.anomaly_detection.regular import Beat, one_stray, regular, risen
from challenges.anomaly_detection.scenarios import Span
from challenges.anomaly_detection.silence import growth, time_to_silence
from challenges.anomaly_detection.traffic import Source, flat, generate

START_MS = 1_750_000_000_000
MINUTE = 60_000


# -- time to silence -----------------------------------------------------------------------------------------------------------


def silent(minutes: list[float], now: float) -> float | None:
    """Minutes to silence after a shift at minute 0, seen at minute `now`."""
    found = time_to_silence([round(m * MINUTE) for m in minutes], 0, 30 * MINUTE, round(now * MINUTE))
    return None if found is None else found / MINUTE


@pytest.mark.parametrize(
    ("minutes", "now", "expected"),
    [
        ([], 9, None),
        ([], 10, 0),
        ([-5, 1, 2, 3], 12, None),
        ([-5, 1, 2, 3], 13, 3),
        ([1, 10.9, 20.8], 31, 20.8),
        ([1, 11, 12], 13, 1),
        ([5, 14, 23, 29.9], 39.9, 29.9),
        ([5, 14, 23, 30.1], 31, math.inf),
        ([*range(1, 60)], 59, math.inf),
        ([2, 45], 46, 2),
    ],
)
def test_silence_begins_after_the_last_alert_before_ten_calm_minutes(
    minutes: list[float], now: float, expected: float | None
) -> None:
    assert silent(minutes, now) == expected


def test_growth_has_a_minute_added_to_both() -> None:
    assert growth(60_000, 120_000) == 1.5
    assert growth(0, 0) == 1.0
    assert growth(100_000, 400_000) == 2.875


# -- pace ----------------------------------------------------------------------------------------------------------------------


def heard(ms: int, service: str = "cart", kind: str = "error_rate") -> SeenAlert:
    return SeenAlert(START_MS + ms, START_MS + ms, service, kind, "high", 9.0, "m")


def test_alerts_of_one_service_and_kind_keep_their_distance() -> None:
    calm = [heard(0), heard(8_750), heard(8_750, kind="volume"), heard(9_000, "search"), heard(20_000)]
    assert [pair.apart_ms for pair in neighbours(calm)] == [8_750, 11_250]
    assert not any(pair.too_close for pair in neighbours(calm))


@pytest.mark.parametrize("second", [0, 5_000, 8_749])
def test_two_of_them_sooner_are_too_close(second: int) -> None:
    pairs = neighbours([heard(0), heard(second), heard(second + 15_000)])
    assert [pair.too_close for pair in pairs] == [True, False]


# -- two paces -----------------------------------------------------------------------------------------------------------------


def test_wide_batches_hold_the_same_logs_and_every_tick_once() -> None:
    traffic = generate([Source("cart", flat(40.0), flat(0.1))], START_MS, 60.0, np.random.default_rng(7))
    wide = Span(START_MS + 10_000, START_MS + 40_500)
    parts = [list(playback) for playback in paced(traffic, [wide])]
    whole = list(Playback(traffic))
    assert sum(step.logs for part in parts for step in part) == len(traffic)
    ticks = [step.now_ms for part in parts for step in part if not step.logs]
    assert ticks == [step.now_ms for step in whole if not step.logs]
    assert [len([s for s in part if s.logs]) for part in parts] == [40, 31, 78]
    nows = [step.now_ms for part in parts for step in part]
    assert nows == sorted(nows)


def test_without_wide_spans_it_is_a_plain_playback() -> None:
    traffic = generate([Source("cart", flat(20.0), flat(0.1))], START_MS, 5.0, np.random.default_rng(7))
    (only,) = paced(traffic, [])
    assert list(only) == list(Playback(traffic))


# -- no variance ---------------------------------------------------------------------------------------------------------------


@pytest.mark.parametrize(
    ("beat", "logs", "errors"), [(Beat("a", 10, 0), 100, 0), (Beat("a", 8, 25), 125, 5), (Beat("a", 50, 1), 20, 20)]
)
def test_every_second_is_like_any_other(beat: Beat, logs: int, errors: int) -> None:
    traffic = regular(beat, START_MS + 3, START_MS + 20_003)
    second = (traffic.ts_ms - traffic.start_ms) // 1000
    assert set(np.bincount(second)) == {logs} and set(np.bincount(second, weights=traffic.errors, minlength=20)) == {errors}
    assert (beat.rate, beat.share) == (logs, errors / logs)


def test_one_log_is_made_a_stray_error() -> None:
    traffic = regular(Beat("a", 10, 100), START_MS, START_MS + 10_000)
    strayed, row = one_stray(traffic, 300)
    assert row == 301 and np.flatnonzero(strayed.errors != traffic.errors).tolist() == [301]
    assert strayed.log(301)["level"] == "error" and traffic.log(301)["level"] == "info"


def test_where_all_are_errors_none_can_stray() -> None:
    with pytest.raises(ValueError, match="none can be a stray one"):
        one_stray(regular(Beat("a", 10, 1), START_MS, START_MS + 1_000), 5)


def test_from_a_time_on_errors_are_random() -> None:
    traffic = risen(regular(Beat("a", 10, 0), START_MS, START_MS + 60_000), START_MS + 20_000, 0.3, np.random.default_rng(3))
    assert traffic.errors[:2000].sum() == 0 and 0.27 < traffic.errors[2000:].mean() < 0.33
