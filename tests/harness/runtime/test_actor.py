"""Candidates driven by the loop: several at once, requests outstanding, and what is said of each way to fail."""

from __future__ import annotations

from collections.abc import Callable, Iterator
from typing import Any

import pytest

from harness.errors import CandidateBrokeProtocol, CandidateDied, CandidateFailure, CandidateHung, RpcError
from harness.runtime.actor import Actor, Call
from harness.runtime.loop import Loop
from tests.harness.runtime.conftest import ECHO, Start

StartActor = Callable[..., Actor]


@pytest.fixture
def loop() -> Iterator[Loop]:
    """A loop of its own."""
    made = Loop()
    yield made
    made.close()


@pytest.fixture
def act(start: Start, loop: Loop) -> Iterator[StartActor]:
    """`act(source)` starts a program and hands it to the loop."""
    made: list[Actor] = []

    def run(source: str = ECHO) -> Actor:
        made.append(Actor(start(source), loop))
        return made[-1]

    yield run
    for actor in made:
        actor.close()
        actor.close()


BACKWARDS = """
import json, sys
held = []
for line in sys.stdin:
    held.append(json.loads(line))
    if len(held) == 3:
        for m in reversed(held):
            print(json.dumps({"jsonrpc": "2.0", "method": "emit", "params": {"for": m["id"]}}))
            print(json.dumps({"jsonrpc": "2.0", "id": m["id"], "result": {"n": m["params"]["n"]}}))
        sys.stdout.flush()
"""


def test_many_requests_are_outstanding_and_answered_in_any_order(act: StartActor, loop: Loop) -> None:
    actor = act(BACKWARDS)
    heard: list[tuple[str, int]] = []
    actor.on_notification = lambda t_ns, message: heard.append(("emit", message["params"]["for"]))
    actor.on_reply = lambda call: heard.append(("reply", call.number))
    calls = [actor.send("offer", {"n": n}, now_ms=1) for n in range(3)]
    with pytest.raises(ValueError, match="still outstanding"):
        calls[0].value()
    assert loop.run_until(lambda: all(call.over for call in calls), 30)
    assert [call.value() for call in calls] == [{"n": 0}, {"n": 1}, {"n": 2}]
    assert heard == [("emit", 3), ("reply", 3), ("emit", 2), ("reply", 2), ("emit", 1), ("reply", 1)]
    assert all(call.done_ns >= call.sent_ns for call in calls)


def test_several_processes_wait_at_the_same_time(act: StartActor, loop: Loop) -> None:
    actors = [act() for _ in range(3)]
    for actor in actors:
        assert actor.initialize({"challenge": "x"}, now_ms=1)["name"] == "echo"
        assert actor.process.name == "echo"
    calls = [actor.send("tick", {}, now_ms=2) for actor in actors for _ in range(5)]
    assert loop.run_until(lambda: all(call.over for call in calls), 30)
    assert all(call.value() == {} for call in calls)


def lost(call: Call) -> CandidateFailure:
    with pytest.raises(CandidateFailure) as caught:
        call.value()
    return caught.value


@pytest.mark.parametrize(
    ("says", "words"),
    [
        ("Server listening", "prose came on stdout"),
        ('{"jsonrpc":"2.0","id":99,"result":{}}', "carried id 99, which no outstanding request has"),
        ('{"jsonrpc":"2.0","id":1,"result":[]}', "must have an object as its result"),
        ('{"jsonrpc":"2.0","id":1,"error":{"message":"no"}}', "has no integer code"),
    ],
)
def test_what_is_no_reply_ends_it_with_a_sentence(act: StartActor, loop: Loop, says: str, words: str) -> None:
    actor = act(f"import sys\nsys.stdin.readline()\nprint({says!r}, flush=True)\nsys.stdin.readline()")
    ends: list[int] = []
    actor.on_end = ends.append
    call = actor.send("tick", {}, now_ms=1)
    assert loop.run_until(lambda: call.over, 30)
    assert isinstance(lost(call), CandidateBrokeProtocol) and words in str(actor.failure)
    assert len(ends) == 1 and actor.ended


def test_an_error_of_the_candidates_own_is_its_answer(act: StartActor) -> None:
    says = '{"jsonrpc":"2.0","id":1,"error":{"code":-32602,"message":"no event"}}'
    actor = act(f"import sys\nsys.stdin.readline()\nprint({says!r}, flush=True)\nsys.stdin.readline()")
    with pytest.raises(RpcError) as caught:
        actor.call("offer", {}, now_ms=1, timeout_s=30)
    assert caught.value.code == -32602 and not actor.ended


def test_what_is_said_of_a_bad_line_is_heard(act: StartActor, loop: Loop) -> None:
    says = '{"jsonrpc":"2.0","id":null,"error":{"code":-32700,"message":"not JSON"}}'
    actor = act(f"import sys\nsys.stdin.readline()\nprint({says!r}, flush=True)\nsys.stdin.readline()")
    heard: list[dict[str, Any]] = []
    actor.on_notification = lambda _t_ns, message: heard.append(message)
    actor.send_bytes(b"{\n")
    assert loop.run_until(lambda: bool(heard), 30)
    assert heard[0]["error"]["code"] == -32700 and actor.failure is None


def test_a_death_is_told_and_whatever_is_asked_later_is_lost_at_once(act: StartActor, loop: Loop) -> None:
    actor = act("import sys\nsys.stdin.readline()\nsys.exit(7)")
    call = actor.send("tick", {}, now_ms=1)
    assert loop.run_until(lambda: call.over, 30)
    assert isinstance(lost(call), CandidateDied) and "status 7" in str(actor.failure)
    assert actor.send("tick", {}, now_ms=2).over


def test_silence_is_told_after_the_time_allowed(act: StartActor) -> None:
    with pytest.raises(CandidateHung):
        act("import sys\nfor line in sys.stdin: pass").call("tick", {}, now_ms=1, timeout_s=0.3)


SPEAKS_THEN_TEARS = """
import sys, time
sys.stdin.readline()
emit = '{"jsonrpc":"2.0","method":"emit","params":{"alert_id":"%s"}}'
sys.stdout.write(emit % "a" + "\\n" + emit % "b" + "\\n" + emit % "torn")
sys.stdout.flush()
sys.stderr.write("written")
sys.stderr.flush()
time.sleep(1000)
"""


def test_after_a_kill_complete_lines_count_and_a_torn_one_does_not(act: StartActor, loop: Loop) -> None:
    actor = act(SPEAKS_THEN_TEARS)
    heard: list[str] = []
    actor.on_notification = lambda _t_ns, message: heard.append(message["params"]["alert_id"])
    call = actor.send("offer", {}, now_ms=1)
    deadline_ns = loop.now_ns() + 30 * 10**9
    while "written" not in actor.process.stderr_tail() and loop.now_ns() < deadline_ns:
        pass  # the loop does not run meanwhile: the lines are still to be read
    assert heard == [] and actor.kill().took
    assert heard == ["a", "b"] and call.lost is not None and actor.failure is None


def test_a_large_request_goes_out_while_others_are_served(act: StartActor, loop: Loop) -> None:
    slow, quick = act(), act()
    assert slow.call("tick", {}, now_ms=1) == quick.call("tick", {}, now_ms=1) == {}
    assert slow.stop().took  # it reads nothing until it goes on
    large = slow.send("tick", {"text": "y" * 8_000_000}, now_ms=2)
    assert quick.call("tick", {}, now_ms=2) == {} and not large.over
    assert slow.cont().took
    assert loop.run_until(lambda: large.over, 30) and large.value() == {}


def test_a_flood_is_cut_off(act: StartActor, loop: Loop) -> None:
    actor = act("import sys\nsys.stdin.readline()\nwhile True: sys.stdout.write('x' * 65536)")
    call = actor.send("tick", {}, now_ms=1)
    assert loop.run_until(lambda: call.over, 60)
    assert isinstance(actor.failure, CandidateBrokeProtocol) and "without the end of a line" in str(actor.failure)


def test_a_stopped_process_answers_when_it_goes_on(act: StartActor, loop: Loop) -> None:
    actor = act()
    actor.call("tick", {}, now_ms=1)
    assert actor.stop().took
    call = actor.send("tick", {}, now_ms=2)
    assert loop.settle(0.05, 10) and not call.over
    assert actor.cont().took
    assert loop.run_until(lambda: call.over, 30)
