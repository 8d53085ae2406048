"""What the suites disturb a candidate with: late logs, wrong clocks, damaged states, rows of the protocol's table."""

from __future__ import annotations

import json

import numpy as np
import pytest

from challenges.anomaly_detection import acceptance as table
from challenges.anomaly_detection.counted import split_logs
from challenges.anomaly_detection.damage import Kind, flipped, flips, truncated, truncations
from challenges.anomaly_detection.disorder import apart_ms, arrived, most_late_ms
from challenges.anomaly_detection.hostclock import CLOCKS, OFFSETS_MS, STROBE, HostClock, stepping
from challenges.anomaly_detection.playback import Playback
from challenges.anomaly_detection.restart import cut_at
from challenges.anomaly_detection.traffic import Source, Traffic, flat, generate

START_MS = 1_748_822_400_000


def some_traffic(rate: float = 50.0, seconds: float = 20.0) -> Traffic:
    return generate([Source("cart", flat(rate), flat(0.1))], START_MS, seconds, np.random.default_rng(1))


# -- late logs -------------------------------------------------------------------------------------------------------------------


def test_sources_are_apart_by_the_smaller_of_the_lateness_and_3_s_less_a_batch() -> None:
    assert [apart_ms(ms) for ms in (0, 200, 1_000, 3_000, 60_000)] == [0, 0, 750, 2_750, 2_750]


@pytest.mark.parametrize("lateness_ms", [0, 1_000, 3_000])
def test_no_log_is_later_than_declared_by_any_clock(lateness_ms: int) -> None:
    traffic = some_traffic()
    apart = apart_ms(lateness_ms)
    late = arrived(traffic, (np.arange(len(traffic)) % 3 * apart // 2).astype(np.int64))
    assert sorted(late.ts_ms.tolist()) == traffic.ts_ms.tolist() and most_late_ms(late) <= apart
    told_ms = 0
    for step in Playback(late):
        told_ms = max(told_ms, step.now_ms)
        assert all(told_ms - ts_ms <= lateness_ms for ts_ms in late.ts_ms[step.first : step.last].tolist()) or not lateness_ms
    assert most_late_ms(late) > 0 or lateness_ms == 0


# -- wrong clocks ----------------------------------------------------------------------------------------------------------------


def test_a_clock_is_right_until_it_steps() -> None:
    clock = HostClock(((100, 3_000), (200, -3_600_000), (300, 0)))
    assert [clock.offset_ms(ms) for ms in (0, 99, 100, 199, 200, 300, 900)] == [0, 0, 3_000, 3_000, -3_600_000, 0, 0]
    assert HostClock().offset_ms(5) == 0


def test_every_clock_steps_by_what_it_says_and_a_strobe_by_all_of_it() -> None:
    rng = np.random.default_rng(2)
    for name, offset_ms in OFFSETS_MS.items():
        assert stepping(name, 1_000, 90_000, rng) == ((1_000, offset_ms),)
    strobe = stepping(STROBE, 1_000, 41_000, rng)
    assert strobe[0][0] == 1_000 and len(strobe) == 100 and {offset for _, offset in strobe} == {0, *OFFSETS_MS.values()}
    assert set(CLOCKS) == {"+3 s", "-3 s", "+1 h", "-1 h", "strobe"}


# -- damaged states ----------------------------------------------------------------------------------------------------------------


def test_a_flip_changes_one_character_by_one_bit() -> None:
    state = 'crc {"share": 0.25}\n'
    made = flips(state, 50, np.random.default_rng(3))
    assert len(made) > 40
    for damage in made:
        different = [n for n, (a, b) in enumerate(zip(state, damage.state, strict=True)) if a != b]
        assert damage.kind is Kind.FLIPPED and different == [damage.at]
        assert ord(state[damage.at]) ^ ord(damage.state[damage.at]) == 1 << damage.bit
        assert damage.at < len(state) - 1 and json.loads(json.dumps(damage.state)) == damage.state


def test_what_is_no_character_is_no_flip() -> None:
    with pytest.raises(ValueError, match="no character"):
        flipped("\ud7ff", 0, 11)


def test_cuts_take_away_what_means_something() -> None:
    state = "abcdefgh=\n"
    cuts = truncations(state, 6, np.random.default_rng(4))
    assert {0, 7} <= {cut.at for cut in cuts} and all(cut.state == state[: cut.at] and cut.at < 8 for cut in cuts)
    assert truncated(state, 3).words == "cut off after 3 characters"
    assert truncations("", 4, np.random.default_rng(4)) == flips("\n", 4, np.random.default_rng(4)) == []


# -- restarts --------------------------------------------------------------------------------------------------------------------


def test_requests_are_cut_at_a_moment() -> None:
    steps = list(Playback(some_traffic()))
    cut = cut_at(steps, START_MS + 7_300)
    assert steps[cut - 1].now_ms < START_MS + 7_300 <= steps[cut].now_ms
    assert cut_at(steps, START_MS) == 0 and cut_at(steps, START_MS + 10**6) == len(steps)


# -- rows of the table -------------------------------------------------------------------------------------------------------------


MOMENT = table.Moment(START_MS, "cart", 3_000)


def acceptable(log: object) -> bool:
    """The left column of the table, read off by hand."""
    if not isinstance(log, dict):
        return False
    ts_ms, service, level = log.get("ts_ms"), log.get("service"), log.get("level")
    timed = isinstance(ts_ms, int | float) and not isinstance(ts_ms, bool) and 0 <= ts_ms < float("inf")
    return timed and isinstance(service, str) and service != "" and isinstance(level, str)


def test_rows_are_in_their_columns() -> None:
    for row in table.TABLE:
        logs = [json.loads(log) for log in row.logs(MOMENT)]
        assert logs and all(acceptable(log) == (row.verdict is not table.Verdict.REJECTED) for log in logs), row.key
    assert len({row.key for row in table.TABLE}) == len(table.TABLE)


def test_rows_that_must_be_accepted_are_neither_ahead_nor_later_than_declared() -> None:
    for lateness_ms in (0, 1, 60_000):
        moment = table.Moment(START_MS, "cart", lateness_ms)
        for row in table.ACCEPTED:
            assert all(-lateness_ms <= json.loads(log)["ts_ms"] - START_MS <= 0 for log in row.logs(moment)), row.key


def test_a_row_allows_what_its_column_says() -> None:
    one = {verdict: next(row for row in table.TABLE if row.verdict is verdict) for verdict in table.Verdict}
    assert [one[table.Verdict.REJECTED].allows(n, 1) for n in (0, 1)] == [True, False]
    assert [one[table.Verdict.ACCEPTED].allows(n, 1) for n in (0, 1)] == [False, True]
    assert all(one[table.Verdict.EITHER].allows(n, 1) for n in (0, 1))


def test_a_batch_splits_into_its_logs() -> None:
    traffic = some_traffic()
    for step in Playback(traffic):
        if step.logs:
            logs = [json.loads(log) for log in split_logs(step)]
            assert logs == [traffic.log(row) for row in range(step.first, step.last)]
