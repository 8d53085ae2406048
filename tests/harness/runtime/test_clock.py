"""The clock shim: the wall clock moves and everything else stays, proven by the process itself."""

from __future__ import annotations

import time

import pytest

from harness.errors import CandidateBrokeProtocol, Undecided
from harness.runtime.clock import shim_unavailable
from harness.runtime.trial import check_probe
from tests.harness.runtime.conftest import ECHO, Start

THREE_CLOCKS = """
import datetime, json, sys, time
for line in sys.stdin:
    m = json.loads(line)
    started = time.monotonic()
    time.sleep(0.01)
    r = {"time": time.time() * 1000, "datetime": datetime.datetime.now(datetime.timezone.utc).timestamp() * 1000,
         "monotonic": time.monotonic(), "slept_s": time.monotonic() - started}
    print(json.dumps({"jsonrpc": "2.0", "id": m["id"], "result": r}), flush=True)
"""

pytestmark = pytest.mark.skipif(shim_unavailable() is not None, reason=f"no clock shim here: {shim_unavailable()}")
YEAR_2001_MS = 978_307_200_000


def test_the_wall_clock_moves_at_once_and_nothing_else_does(start: Start) -> None:
    process = start(THREE_CLOCKS, clock=True)
    for wall_ms in (YEAR_2001_MS, YEAR_2001_MS - 3_600_000, 4_000_000_000_000):
        process.set_wall_ms(wall_ms)
        seen = process.request("tick", {}, now_ms=1)
        assert wall_ms <= seen["time"] <= process.wall_ms()
        assert wall_ms <= seen["datetime"] <= process.wall_ms()
        assert abs(seen["monotonic"] - time.monotonic()) < 5
        assert 0.01 <= seen["slept_s"] < 5


def test_a_held_clock_stands_still_and_goes_on_when_nobody_touches_it(start: Start) -> None:
    process = start(THREE_CLOCKS, clock=True)
    process.request("tick", {}, now_ms=1)  # its start is not to count against the 2 s that a clock is held
    process.set_wall_ms(YEAR_2001_MS)
    first, second = (process.request("tick", {}, now_ms=1)["time"] for _ in range(2))
    assert first == second == YEAR_2001_MS
    waited = start(
        """
    import json, sys, time
    for line in sys.stdin:
        m = json.loads(line)
        before = time.time()
        while time.time() == before: pass
        print(json.dumps({"jsonrpc": "2.0", "id": m["id"], "result": {}}), flush=True)
    """,
        clock=True,
    )
    waited.set_wall_ms(YEAR_2001_MS)
    assert waited.request("tick", {}, now_ms=1, timeout_s=20) == {}


def test_a_hold_that_ran_out_is_known(start: Start, monkeypatch: pytest.MonkeyPatch) -> None:
    process = start(THREE_CLOCKS, clock=True)
    process.set_wall_ms(YEAR_2001_MS)
    monkeypatch.setattr("harness.runtime.clock.HOLD_NS", 3_600 * 10**9)
    assert process.wall_holds()
    monkeypatch.setattr("harness.runtime.clock.HOLD_NS", -1)
    assert not process.wall_holds()
    assert start(THREE_CLOCKS).wall_holds(), "what has no shim has no hold that could run out"


def test_without_the_shim_the_real_time_is_read(start: Start) -> None:
    seen = start(THREE_CLOCKS).request("tick", {}, now_ms=1)
    assert abs(seen["time"] - time.time() * 1000) < 5000


def test_the_probe_answers_by_its_own_clock(start: Start) -> None:
    process = start(ECHO, clock=True)
    process.set_wall_ms(YEAR_2001_MS)
    answered = process.initialize({}, now_ms=5)["now_ms"]
    check_probe(answered, 5, YEAR_2001_MS, process.wall_ms())


def test_a_probe_that_echoes_is_told_apart_from_one_that_ignores_the_shim() -> None:
    with pytest.raises(CandidateBrokeProtocol, match="own system clock"):
        check_probe(7_000_000, 7_000_000, YEAR_2001_MS, YEAR_2001_MS + 5)
    with pytest.raises(Undecided, match="static binary"):
        check_probe(time.time() * 1000, 7_000_000, YEAR_2001_MS, YEAR_2001_MS + 5)
    with pytest.raises(CandidateBrokeProtocol, match="neither the clock that was set"):
        check_probe(12_345, 7_000_000, YEAR_2001_MS, YEAR_2001_MS + 5)
