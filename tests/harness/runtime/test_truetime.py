"""True time: what is skipped counts from then on, never for what was stamped before."""

from __future__ import annotations

import time

import pytest

from harness.runtime.truetime import TrueTime

S = 1_000_000_000
EPOCH_MS = 1_735_689_600_000


def test_true_time_goes_on_by_itself_and_by_skips() -> None:
    clock = TrueTime(real=False, epoch_ms=EPOCH_MS)
    assert 0 <= clock.now_ns() < 10 * S and clock.skipped_ns == 0
    before = clock.now_ns()
    clock.skip_ns(3600 * S)
    clock.skip_ns(0)
    assert clock.skipped_ns == 3600 * S
    assert 3600 * S <= clock.now_ns() - before < 3610 * S


def test_a_stamp_is_read_with_what_had_been_skipped_by_then() -> None:
    clock = TrueTime(real=False, epoch_ms=EPOCH_MS)
    stamps = [time.monotonic_ns()]
    for _ in range(5):
        clock.skip_ns(100 * S)
        stamps.append(time.monotonic_ns())
    at = [clock.at_ns(stamp) for stamp in stamps]
    assert at == sorted(at)
    for number, (stamp, true) in enumerate(zip(stamps, at, strict=True)):
        assert true - number * 100 * S == stamp - stamps[0] + at[0]
    assert clock.at_ns(stamps[0] - S) == at[0] - S  # before everything


def test_now_is_the_true_time_of_a_stamp_taken_now() -> None:
    clock = TrueTime(real=False, epoch_ms=EPOCH_MS)
    clock.skip_ns(S)
    first = clock.now_ns()
    between = clock.at_ns(time.monotonic_ns())
    assert first <= between <= clock.now_ns()


@pytest.mark.parametrize("skew_ns", [0, 3 * S, -3 * S])
def test_wall_clocks_follow(skew_ns: int) -> None:
    clock = TrueTime(real=False, epoch_ms=EPOCH_MS)
    assert EPOCH_MS <= clock.wall_ms(skew_ns) - skew_ns / 1e6 < EPOCH_MS + 10_000
    before_ms = clock.wall_ms(skew_ns)
    clock.skip_ns(60 * S)
    assert 60_000 <= clock.wall_ms(skew_ns) - before_ms < 70_000
    # What a process has to add to the real time, and what is said of it, are one.
    low, offset, high = clock.wall_ms(skew_ns), time.time_ns() + clock.offset_ns(skew_ns), clock.wall_ms(skew_ns)
    assert low <= offset / 1e6 <= high


def test_real_time_refuses_to_skip() -> None:
    clock = TrueTime(real=True, epoch_ms=EPOCH_MS)
    with pytest.raises(ValueError, match="5 ns cannot be skipped in real time"):
        clock.skip_ns(5)
    assert clock.skipped_ns == 0


def test_nothing_goes_back() -> None:
    with pytest.raises(ValueError, match="-1 ns cannot be skipped"):
        TrueTime(real=False, epoch_ms=EPOCH_MS).skip_ns(-1)
