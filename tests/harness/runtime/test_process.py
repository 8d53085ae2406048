"""The driver against programs that keep the protocol and programs that break it, each in its own way."""

from __future__ import annotations

import textwrap

import pytest

from harness.errors import CandidateBrokeProtocol, CandidateDied, CandidateHung, RpcError
from harness.runtime import tree
from harness.runtime.process import Process
from harness.runtime.sandbox import Limits
from tests.harness.runtime.conftest import ECHO, Start

REPLY_ONCE = """
import sys
sys.stdin.readline()
sys.stdout.write({text!r})
sys.stdout.flush()
sys.stdin.readline()
"""
ANSWERS_FIRST = """
import sys
sys.stdin.readline()
print('{"jsonrpc":"2.0","id":1,"result":{}}', flush=True)
"""


def started(start: Start, source: str, **more: Limits) -> Process:
    """That program, after it has answered one request: the start of an interpreter is not to count against a short time allowed."""
    process = start(ANSWERS_FIRST + textwrap.dedent(source), **more)
    assert process.request("tick", {}, now_ms=1) == {}
    return process


def test_a_request_is_answered(start: Start) -> None:
    process = start()
    result = process.initialize({"challenge": "x"}, now_ms=1)
    assert process.name == "echo" and result["language"] == "python"
    assert process.request("tick", {}, now_ms=2) == {}


def test_shutdown_ends_with_status_0(start: Start) -> None:
    process = start()
    process.request("shutdown", {}, now_ms=1)
    assert process.wait(30) == 0


@pytest.mark.parametrize(
    ("text", "words"),
    [
        ("Server listening on port 3000\n", "prose came on stdout"),
        ("2026-01-01 12:00:00 INFO ready\n", "a log line came on stdout"),
        ('{"half": \n', "starts like JSON"),
        ("[1, 2]\n", "starts like JSON"),
        ("\n", "an empty line"),
        ('{"jsonrpc":"2.0","id":99,"result":{}}\n', "carried id 99 where 1 was expected"),
        ('{"jsonrpc":"2.0","id":1,"result":[]}\n', "must have an object as its result"),
        ('{"jsonrpc":"2.0","id":1,"error":{"message":"no"}}\n', "has no integer code"),
    ],
)
def test_what_is_no_reply_is_named(start: Start, text: str, words: str) -> None:
    with pytest.raises(CandidateBrokeProtocol, match=words):
        start(REPLY_ONCE.format(text=text)).request("tick", {}, now_ms=1)


def test_an_unterminated_reply_is_named(start: Start) -> None:
    process = started(start, REPLY_ONCE.format(text='{"jsonrpc":"2.0","id":2,"result":{}}'))
    with pytest.raises(CandidateHung, match="without a newline at their end"):
        process.request("tick", {}, now_ms=2, timeout_s=1)


def test_an_unflushed_reply_is_suspected(start: Start) -> None:
    process = started(start, "for line in sys.stdin: pass")
    with pytest.raises(CandidateHung, match="flush stdout after every line"):
        process.request("tick", {}, now_ms=2, timeout_s=0.5)


def test_a_death_is_told_with_its_last_words(start: Start) -> None:
    process = start("import sys\nsys.stdin.readline()\nsys.stderr.write('out of cheese')\nsys.exit(7)")
    with pytest.raises(CandidateDied, match="exited with status 7") as caught:
        process.request("tick", {}, now_ms=1)
    assert "out of cheese" in caught.value.stderr_tail


@pytest.mark.parametrize("kind", ["none"])  # a sandbox's own process keeps the pipe open
@pytest.mark.parametrize(
    ("does", "patience_s", "words"),
    [("time.sleep(0.6)", 30.0, "exited with status 7"), ("sys.stdin.readline()", 0.05, "closed its stdout .* and still runs")],
)
def test_who_closes_its_stdout_is_waited_for_before_it_is_said_to_run(
    start: Start, monkeypatch: pytest.MonkeyPatch, does: str, patience_s: float, words: str
) -> None:
    monkeypatch.setattr("harness.runtime.process.EXIT_PATIENCE_S", patience_s)
    process = start(f"import os, sys, time\nsys.stdin.readline()\nos.close(1)\n{does}\nos._exit(7)")
    with pytest.raises(CandidateDied, match=words):
        process.request("tick", {}, now_ms=1)


def test_a_killed_process_is_told_by_its_signal(start: Start) -> None:
    process = start()
    process.request("tick", {}, now_ms=1)
    assert process.kill().took
    with pytest.raises(CandidateDied, match="SIGKILL"):
        process.request("tick", {}, now_ms=2)


def test_a_line_without_end_is_cut_off(start: Start) -> None:
    process = start("import sys\nsys.stdin.readline()\nwhile True: sys.stdout.write('x' * 65536)")
    with pytest.raises(CandidateBrokeProtocol, match="without the end of a line"):
        process.request("tick", {}, now_ms=1, timeout_s=30)


def test_a_flood_of_notifications_is_cut_off(start: Start) -> None:
    source = """
    import sys
    sys.stdin.readline()
    while True: sys.stdout.write('{"jsonrpc":"2.0","method":"emit","params":{}}\\n' * 1000)
    """
    with pytest.raises(CandidateBrokeProtocol, match="notifications came and no reply"):
        start(source).request("tick", {}, now_ms=1, timeout_s=30)


def test_a_flood_on_stderr_does_not_wedge_a_reply(start: Start) -> None:
    source = ECHO.replace("r = {}", "r = {}; sys.stderr.write('noise ' * 1_000_000)")
    process = start(source)
    assert process.request("tick", {}, now_ms=1) == {}
    assert "noise" in process.stderr_tail(20)


def test_a_large_request_and_a_large_reply_do_not_wedge_each_other(start: Start) -> None:
    source = """
    import json, sys
    for line in sys.stdin:
        m = json.loads(line)
        print(json.dumps({"jsonrpc": "2.0", "id": m["id"], "result": {"back": m["params"]["text"]}}), flush=True)
    """
    text = "y" * 8_000_000
    assert start(source).request("tick", {"text": text}, now_ms=1)["back"] == text


def test_an_error_reply_carries_its_code(start: Start) -> None:
    source = REPLY_ONCE.format(text='{"jsonrpc":"2.0","id":1,"error":{"code":-32602,"message":"no service","data":{"at":3}}}\n')
    with pytest.raises(RpcError) as caught:
        start(source).request("ingest", {}, now_ms=1, timeout_s=30)
    assert (caught.value.code, caught.value.data) == (-32602, {"at": 3})


def test_notifications_before_the_reply_are_kept(start: Start) -> None:
    text = '{"jsonrpc":"2.0","method":"emit","params":{"alert_id":"a"}}\n{"jsonrpc":"2.0","id":1,"result":{}}\n'
    process = start(REPLY_ONCE.format(text=text))
    process.request("tick", {}, now_ms=1)
    assert [message["params"] for message in process.notifications] == [{"alert_id": "a"}]


FORKS = (
    """
import json, os, sys, time
for _ in range(3):
    if os.fork() == 0:
        time.sleep(1000)
"""
    + ECHO
)


def test_stop_freezes_every_descendant_and_cont_thaws_them(start: Start) -> None:
    process = start(FORKS)
    process.request("tick", {}, now_ms=1)
    proof = process.stop()
    assert proof.took and len(proof.states) >= 4
    with pytest.raises(CandidateHung):
        process.request("tick", {}, now_ms=2, timeout_s=0.2)
    assert process.cont().took


def test_kill_leaves_no_descendant(start: Start) -> None:
    process = start(FORKS)
    process.request("tick", {}, now_ms=1)
    pids = tree.descendants(process.pid)
    assert len(pids) >= 4
    assert process.kill().took
    process.close()
    assert [pid for pid in pids if tree.state_of(pid) not in "-ZX"] == []


def test_a_fork_bomb_is_bounded_and_ends_with_its_process(start: Start) -> None:
    source = """
    import os, sys, time
    sys.stdin.readline()
    while True:
        try:
            os.fork()
        except OSError:
            time.sleep(0.01)
    """
    process = started(start, source, limits=Limits(pids=50))
    with pytest.raises(CandidateHung):
        process.request("tick", {}, now_ms=2, timeout_s=1)
    assert len(tree.descendants(process.pid)) <= 51
    pid = process.pid
    process.close()
    assert tree.descendants(pid) == []


def test_a_glutton_is_told_that_memory_ended_it(start: Start) -> None:
    source = "import sys\nsys.stdin.readline()\nkept = []\nwhile True: kept.append(bytearray(10_000_000))"
    process = start(source, limits=Limits(memory_bytes=200 * 2**20))
    with pytest.raises(CandidateDied, match="memory|exited with status 1"):
        process.request("tick", {}, now_ms=1, timeout_s=60)


@pytest.mark.parametrize(
    ("result", "words"),
    [
        ('{"score":1' + "0" * 400 + "}", "beyond 2\\^63"),
        ('{"kind":' + "[" * 90 + "]" * 90 + "}", "deep"),
    ],
)
def test_numbers_and_depths_that_would_break_us_break_the_protocol(start: Start, result: str, words: str) -> None:
    process = start(REPLY_ONCE.format(text=f'{{"jsonrpc":"2.0","id":1,"result":{result}}}\n'))
    with pytest.raises(CandidateBrokeProtocol, match=words):
        process.request("tick", {}, now_ms=1)


def test_a_long_number_in_a_text_and_many_brackets_side_by_side_are_fine(start: Start) -> None:
    text = '{"jsonrpc":"2.0","id":1,"result":{"id":"' + "7" * 60 + '","list":[' + ",".join(["[]"] * 200) + "]}}\n"
    assert start(REPLY_ONCE.format(text=text)).request("tick", {}, now_ms=1)["id"] == "7" * 60


def test_notifications_do_not_fill_our_memory(start: Start) -> None:
    source = """
    import sys
    line = '{"jsonrpc":"2.0","method":"emit","params":{"x":"' + 'y' * 1_000_000 + '"}}\\n'
    sys.stdin.readline()
    while True: sys.stdout.write(line)
    """
    with pytest.raises(CandidateBrokeProtocol, match="more notifications came"):
        start(source).request("tick", {}, now_ms=1, timeout_s=60)
