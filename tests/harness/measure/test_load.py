"""The load generator: exact in a time that is made up, and right about every request of a real process."""

from __future__ import annotations

import sys
from collections.abc import Callable, Iterator
from pathlib import Path
from typing import Any

import numpy as np
import pytest

from harness.errors import CandidateBrokeProtocol, CandidateDied, RpcError
from harness.measure import load
from harness.measure.lindley import latencies_ms
from harness.measure.load import Request, drive
from harness.measure.plan import poisson
from harness.measure.sample import ANSWERED, REFUSED, UNANSWERED, UNSENT
from harness.measure.statistics import Ints
from harness.runtime.process import Process
from harness.runtime.sandbox import Launch, Mount, choose

MS = 1_000_000


class Clock:
    """A time that passes only when somebody waits or works."""

    def __init__(self, monkeypatch: pytest.MonkeyPatch) -> None:
        self.ns = 1_000_000_000
        monkeypatch.setattr(load, "now_ns", lambda: self.ns)
        monkeypatch.setattr(load, "sleep_until", self.sleep_until)

    def sleep_until(self, moment_ns: int) -> None:
        self.ns = max(self.ns, moment_ns)


class Server:
    """Answers in turn, each request after its own time; `errors` are refused."""

    capabilities: frozenset[str] = frozenset()

    def __init__(self, clock: Clock, service_ns: Ints, errors: frozenset[int] = frozenset()) -> None:
        self.clock, self.service_ns, self.errors = clock, service_ns, errors
        self.asked = 0

    def request_raw(self, method: str, params: bytes) -> dict[str, Any]:
        number, self.asked = self.asked, self.asked + 1
        self.clock.ns += int(self.service_ns[number])
        if number in self.errors:
            raise RpcError(-32001, "busy")
        return {"accepted": 1}


def requests(count: int) -> list[Request]:
    return [Request("ingest", b'{"now_ms":0}', lambda result: result.get("accepted") == 1)] * count


@pytest.fixture
def clock(monkeypatch: pytest.MonkeyPatch) -> Clock:
    return Clock(monkeypatch)


@pytest.mark.parametrize("delay_ms", [2, 5, 20])
def test_a_candidate_in_turn_is_timed_as_lindley_says(clock: Clock, delay_ms: int) -> None:
    rng = np.random.default_rng(delay_ms)
    due_ns = poisson(1667.0, 4.0, rng)
    service_ns = np.where(rng.random(len(due_ns)) < 0.01, delay_ms * MS, MS // 10)
    sample = drive(Server(clock, service_ns), due_ns, requests(len(due_ns)))  # type: ignore[arg-type]
    assert np.array_equal(sample.latency_ms, latencies_ms(due_ns, service_ns))
    assert (sample.fate == ANSWERED).all() and (sample.sender_lag_ms == 0).all()
    # What a generator that waits would have reported: each request's own time, and nothing of the queue.
    assert np.array_equal(sample.from_send_ms, service_ns / MS)


def test_a_freeze_is_seen_from_the_plan_and_not_from_the_send(clock: Clock) -> None:
    due_ns = poisson(1667.0, 30.0, np.random.default_rng(1))
    service_ns = np.full(len(due_ns), MS // 10)
    service_ns[len(due_ns) // 2] = 1400 * MS
    sample = drive(Server(clock, service_ns), due_ns, requests(len(due_ns)))  # type: ignore[arg-type]
    assert np.quantile(sample.from_send_ms, 0.999) < 1
    assert np.quantile(sample.latency_ms, 0.99) > 500


def test_who_is_too_slow_leaves_requests_unsent_and_errors_are_no_answers(clock: Clock) -> None:
    due_ns = np.arange(1000, dtype=np.int64) * MS
    server = Server(clock, np.full(1000, 10 * MS), frozenset({3}))
    sample = drive(server, due_ns, requests(1000), grace_s=1.0)  # type: ignore[arg-type]
    assert sample.dropped() == {"refused": 1, "unanswered": 0, "unsent": 1000 - server.asked}
    assert 199 <= server.asked <= 201
    assert sample.refusal == "request was answered with error -32001: busy" == sample.after(10).refusal
    assert (sample.fate[-5:] == UNSENT).all() and sample.fate[3] == REFUSED
    assert np.isinf(sample.latency_ms[3]) and np.isinf(sample.latency_ms[-1])


def test_of_a_long_refusal_both_ends_are_kept(clock: Clock) -> None:
    due_ns = np.arange(2, dtype=np.int64) * MS
    words = "insert " + "a column, " * 50 + "the cause"
    asked = [Request("offer", b'{"now_ms":0}', lambda result: False)] * 2
    server = Server(clock, np.full(2, MS))
    server.request_raw = lambda method, params: {"reason": words}  # type: ignore[method-assign]
    refusal = drive(server, due_ns, asked).refusal  # type: ignore[arg-type]
    assert refusal.startswith("{'reason': 'insert a column") and refusal.endswith("the cause'}") and len(refusal) < 210


PIPELINING = """
import json, sys
held = []
def say(message):
    print(json.dumps(message), flush=True)
for line in sys.stdin:
    asked = json.loads(line)
    what = asked["params"]["do"]
    reply = {"jsonrpc": "2.0", "id": asked["id"], "result": {"accepted": 1}}
    if what == "swap":
        held.append(reply)
        if len(held) == 2:
            say(held.pop()); say(held.pop())
    elif what == "refuse":
        say({"jsonrpc": "2.0", "id": asked["id"], "error": {"code": -32001, "message": "no"}})
    elif what == "none":
        say(reply | {"result": {"accepted": 0}})
    elif what == "tell":
        say({"jsonrpc": "2.0", "method": "emit", "params": {}}); say(reply)
    elif what == "alien":
        say(reply | {"id": 999999})
    elif what == "die":
        sys.exit(3)
    elif what == "ok":
        say(reply)
"""


@pytest.fixture
def pipelining() -> Iterator[Process]:
    launch = Launch((sys.executable, "-c", PIPELINING), {"checkout": Mount(Path("/"), "/")})
    with Process(choose("none").spawn(launch), None) as process:
        process.capabilities = frozenset({"pipelining"})
        yield process


def asks(*what: str) -> tuple[Ints, list[Request]]:
    serves: Callable[[dict[str, Any]], bool] = lambda result: result.get("accepted") == 1  # noqa: E731 - one line is plainer here
    return np.arange(len(what), dtype=np.int64) * MS, [
        Request("ingest", b'{"now_ms":0,"do":"%b"}' % word.encode(), serves) for word in what
    ]


def test_replies_in_any_order_find_their_requests(pipelining: Process) -> None:
    sample = drive(pipelining, *asks("ok", "swap", "swap", "refuse", "none", "tell"))
    assert sample.fate.tolist() == [ANSWERED] * 3 + [REFUSED] * 2 + [ANSWERED]
    assert sample.pipelined and (sample.replied_ns >= sample.sent_ns).all() and (sample.sent_ns >= sample.due_ns).all()
    assert len(pipelining.notifications) == 1


def test_what_is_never_answered_is_said_so(pipelining: Process, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(load._Pipelined, "_drain", lambda self: None)  # it would wait the 5 s of the protocol
    sample = drive(pipelining, *asks("ok", "silence"), grace_s=0.2)
    assert sample.fate.tolist() == [ANSWERED, UNANSWERED]


@pytest.mark.parametrize(("word", "error"), [("alien", CandidateBrokeProtocol), ("die", CandidateDied)])
def test_an_alien_reply_and_a_death_are_the_candidate_s(pipelining: Process, word: str, error: type[Exception]) -> None:
    with pytest.raises(error):
        drive(pipelining, *asks("ok", word), grace_s=30.0)
