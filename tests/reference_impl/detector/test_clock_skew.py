"""A host clock that steps and strobes, sources that disagree, logs from another year."""

import numpy as np
import pytest
from detector_streams import T0_MS, Heard, Stream, drive, one, step

ALLOWED_DELAY_S = 7.0
YEAR_MS = 365 * 86_400_000
HOUR_MS = 3_600_000


def spiky(seed: int = 1, rate: float = 120) -> Stream:
    return one(rate, step(0.02, 0.3, (150, 200)), 240, seed)


def assert_found_once(heard: Heard) -> None:
    assert len(heard.onsets()) == 1
    assert 150 < heard.onsets()[0] <= 150 + ALLOWED_DELAY_S


OFFSETS = {
    "3 s ahead": lambda s: 3000 if s > 140 else 0,
    "3 s behind": lambda s: -3000 if s > 140 else 0,
    "an hour ahead": lambda s: HOUR_MS if s > 140 else 0,
    "an hour behind": lambda s: -HOUR_MS if s > 140 else 0,
    "an hour ahead from the start": lambda s: HOUR_MS,
    "30 s behind from the start": lambda s: -30_000,
    "strobing by 3 s": lambda s: 3000 if int(s * 4) % 2 else -3000,
    "strobing by an hour": lambda s: HOUR_MS if int(s) % 2 else -HOUR_MS,
    "strobing ahead only": lambda s: 3000 * (int(s * 2) % 3),
}


@pytest.mark.parametrize("name", OFFSETS)
def test_the_hosts_clock_does_not_matter(name: str) -> None:
    heard = drive(spiky(), 240, host_offset_ms=OFFSETS[name])
    assert heard.rejected == 0
    assert_found_once(heard)


@pytest.mark.parametrize("name", ["strobing by 3 s", "strobing by an hour"])
def test_a_quiet_stream_survives_a_strobing_clock(name: str) -> None:
    heard = drive(spiky(rate=20), 240, host_offset_ms=OFFSETS[name])
    assert heard.rejected == 0
    assert len(heard.onsets()) == 1


FAR = [YEAR_MS, 10 * YEAR_MS, HOUR_MS, 61_000, 59_000, 30_000, 3900, -86_400_000, -HOUR_MS, -T0_MS]


@pytest.mark.parametrize("off_ms", FAR)
@pytest.mark.parametrize("at_s", [0, 100, 149.9, 151])
def test_a_stray_log_changes_nothing(off_ms: float, at_s: float) -> None:
    assert_found_once(drive(spiky(), 240, strays=[(at_s, T0_MS + at_s * 1000 + off_ms)]))


def test_many_stray_logs_change_nothing() -> None:
    strays = [(s + i / 100, T0_MS + YEAR_MS + s) for s in range(100, 148) for i in range(10)]
    assert_found_once(drive(spiky(), 240, strays=strays))


def test_a_block_of_stray_logs_that_wins_the_vote_is_recovered_from() -> None:
    strays = [(120, T0_MS + HOUR_MS + i) for i in range(2000)]  # all errors, so an anomaly of their own
    onsets = drive(spiky(), 240, strays=strays).onsets(since_s=150)
    assert len(onsets) == 1
    assert onsets[0] <= 150 + ALLOWED_DELAY_S


@pytest.mark.parametrize("seed", [1, 2, 3])
def test_logs_that_arrive_up_to_three_seconds_late(seed: int) -> None:
    rows = spiky(seed)
    plain = drive(rows, 240).onsets()
    late_ms = 1000 * np.random.default_rng(seed).integers(0, 4, len(rows.ts_ms))
    order = np.argsort(rows.ts_ms + late_ms, kind="stable")
    arrival_ms = (rows.ts_ms + late_ms)[order]
    heard = drive(Stream(arrival_ms, rows.ts_ms[order], rows.ids[order], rows.errors[order], ["a"]), 240)
    assert heard.rejected == 0
    assert heard.onsets() == pytest.approx(plain, abs=1.0)


@pytest.mark.parametrize("ahead", [True, False])
def test_sources_whose_clocks_are_three_seconds_apart(ahead: bool) -> None:
    rows = spiky()
    source = np.random.default_rng(1).integers(0, 4, len(rows.ts_ms))
    rows.ts_ms = rows.ts_ms + source * (1000 if ahead else -1000)
    heard = drive(rows, 240)
    assert heard.rejected == 0
    assert_found_once(heard)


def test_a_stream_that_really_moves_is_followed() -> None:
    rows = spiky()
    moved = rows.ts_ms >= T0_MS + 100_000
    rows.ts_ms = rows.ts_ms + np.where(moved, HOUR_MS, 0)
    assert_found_once(drive(rows, 240))
    rows.ts_ms = rows.ts_ms - np.where(moved, 2 * HOUR_MS, 0)
    assert_found_once(drive(rows, 240))
