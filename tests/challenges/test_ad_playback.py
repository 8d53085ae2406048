"""Traffic as requests: every log once, in order, in batches of at most 250 ms, with a tick for every second."""

from __future__ import annotations

import json

import numpy as np
import pytest

from challenges.anomaly_detection import playback
from challenges.anomaly_detection.playback import BATCH_SPAN_MS, Playback
from challenges.anomaly_detection.traffic import Source, Traffic, flat, generate, shifted, steps, with_ties

START_MS = 1_750_000_000_123


def made(seconds: float = 20.0, rate: float = 120.0) -> Traffic:
    sources = [Source("a", flat(rate), flat(0.1)), Source('q"\\\n🛒', steps(30.0, (8.0, 0.0), (14.0, 30.0)), flat(0.5))]
    return generate(sources, START_MS, seconds, np.random.default_rng(3))


def logs_of(steps_: Playback) -> list[dict[str, object]]:
    return [log for step in steps_ for log in json.loads(step.params).get("logs", [])]


def test_every_log_comes_once_and_in_order() -> None:
    traffic = made()
    assert logs_of(Playback(traffic)) == [traffic.log(row) for row in range(len(traffic))]


@pytest.mark.parametrize("limit", [("_WIDEST_TEMPLATE", 10), ("_CHUNK_LOGS", 64), ("_CACHED_BYTES", 10)])
def test_every_way_of_encoding_says_the_same(limit: tuple[str, int], monkeypatch: pytest.MonkeyPatch) -> None:
    traffic = made()
    plain = [json.loads(step.params) for step in Playback(traffic)]
    monkeypatch.setattr(playback, *limit)
    assert [json.loads(step.params) for step in Playback(traffic)] == plain


def test_batches_span_at_most_250_ms_and_say_their_newest_time() -> None:
    for step in Playback(made()):
        params = json.loads(step.params)
        assert params["now_ms"] == step.now_ms
        times = [log["ts_ms"] for log in params.get("logs", [])]
        assert not times or (max(times) == step.now_ms and max(times) - min(times) < BATCH_SPAN_MS)


def test_a_tick_comes_at_every_second_after_all_older_logs_and_before_all_younger() -> None:
    traffic = made()
    newest, ticks = 0, []
    for step in Playback(traffic):
        if step.logs:
            first = int(traffic.ts_ms[step.first])
            assert not ticks or first >= ticks[-1]
            newest = step.now_ms
        else:
            assert newest < step.now_ms
            ticks.append(step.now_ms)
    assert ticks == list(range(START_MS // 1000 * 1000 + 1000, traffic.end_ms + 1, 1000))


def test_ticks_go_on_without_logs() -> None:
    empty = generate([Source("a", flat(0.0), flat(0.0))], START_MS, 5.0, np.random.default_rng(1))
    assert [step.logs for step in Playback(empty)] == [0] * 5


def test_cuts_split_batches_and_nothing_else() -> None:
    traffic = with_ties(made(), 100)
    singles = Playback(traffic, np.arange(len(traffic), dtype=np.int64))
    assert max(step.logs for step in singles) == 1
    assert logs_of(singles) == logs_of(Playback(traffic))
    ticks = [[step.now_ms for step in run if not step.logs] for run in (singles, Playback(traffic))]
    assert ticks[0] == ticks[1]


def test_small_traffic_is_encoded_once() -> None:
    repeated = Playback(made())
    assert [id(step) for step in repeated] == [id(step) for step in repeated]


def test_equal_input_is_equal_to_the_byte() -> None:
    assert [step.params for step in Playback(made())] == [step.params for step in Playback(made())]


def test_times_that_do_not_fit_are_refused() -> None:
    with pytest.raises(ValueError, match="13 digits"):
        list(Playback(shifted(made(), 10**13)))
