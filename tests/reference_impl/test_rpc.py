"""Lines, good and bad."""

import io
import json
from collections.abc import Mapping

import pytest

from reference_impl import rpc
from reference_impl.rpc import MAX_LINE_BYTES, Params, Result, RpcError, Shutdown, serve


def _echo(params: Params) -> Result:
    return {"echo": params.get("x")}


def _refuse(params: Params) -> Result:
    raise RpcError(-32602, "x must be 1")


def _break(params: Params) -> Result:
    raise KeyError("inside")


def _leave(params: Params) -> Result:
    raise Shutdown


HANDLERS = {"echo": _echo, "refuse": _refuse, "break": _break, "shutdown": _leave}


def talk(raw: bytes) -> list[dict[str, object]]:
    out = io.BytesIO()
    serve(HANDLERS, io.BytesIO(raw), out, lambda line: None)
    return [json.loads(line) for line in out.getvalue().splitlines()]


def request(method: str, params: object = None, **more: object) -> bytes:
    message: Mapping[str, object] = {"jsonrpc": "2.0", "id": 1, "method": method, "params": params or {}, **more}
    return json.dumps(message).encode() + b"\n"


def code(reply: dict[str, object]) -> tuple[object, object]:
    error = reply["error"]
    assert isinstance(error, dict)
    assert error["message"]
    return reply["id"], error["code"]


def test_a_call() -> None:
    assert talk(request("echo", {"x": "é"})) == [{"jsonrpc": "2.0", "id": 1, "result": {"echo": "é"}}]
    assert talk(request("echo", id="one"))[0]["id"] == "one"


@pytest.mark.parametrize(
    ("line", "expected"),
    [
        (b"prose", -32700),
        (b"\xff\xfe{}", -32700),
        (b'{"jsonrpc":"2.0","id":1,"method":"echo","params":{"x":NaN}}', -32700),
        (b"[" * 100_000 + b"]" * 100_000, -32700),
        (b"[1]", -32600),
        (b"null", -32600),
        (b"7", -32600),
        (b"{}", -32600),
        (b'{"jsonrpc":"2.0","id":true,"method":"echo"}', -32600),
        (b'{"jsonrpc":"2.0","id":"\\ud800","method":"echo"}', -32600),
        (b'{"jsonrpc":"1.0","id":null,"method":"echo"}', -32600),
    ],
)
def test_a_bad_line_is_answered_and_forgotten(line: bytes, expected: int) -> None:
    bad, good = talk(line + b"\n" + request("echo"))
    assert code(bad) == (None, expected)
    assert good["result"] == {"echo": None}


@pytest.mark.parametrize(
    ("method", "params", "expected"),
    [("nothing", {}, -32601), ("refuse", {}, -32602), ("echo", [1], -32602), ("break", {}, -32603)],
)
def test_errors_carry_the_id(method: str, params: object, expected: int) -> None:
    assert code(talk(request(method, params))[0]) == (1, expected)


@pytest.mark.parametrize(
    "line",
    [
        b"\xef\xbb\xbf" + request("echo", {"x": 1}),
        request("echo", {"x": 1}).replace(b"\n", b"\r\n"),
        b'{"jsonrpc":"2.0","id":1,"method":"prose","method":"echo","params":{"x":1}}\n',
        b'{"jsonrpc":"2.0","id":1,"method":"echo","params":{"x":1,"y":1e999,"z":"\\ud800"}}\n',
        b'{"jsonrpc":"2.0","id":1,"method":"echo","params":{"x":1,"y":' + b"9" * 5000 + b"}}\n",
    ],
)
def test_odd_lines_that_are_understood(line: bytes) -> None:
    assert talk(line)[0]["result"] == {"echo": 1}


def test_blank_lines_and_notifications_get_no_answer() -> None:
    assert talk(b"\n\r\n" + b'{"jsonrpc":"2.0","method":"echo"}\n{"jsonrpc":"2.0","method":"refuse"}\n') == []


def test_half_a_line_at_the_end_is_none() -> None:
    assert talk(request("echo")[:-1]) == []
    assert len(talk(request("echo") + b'{"jsonrpc')) == 1


def test_shutdown_is_answered_and_is_the_last() -> None:
    assert talk(request("shutdown") + request("echo")) == [{"jsonrpc": "2.0", "id": 1, "result": {}}]


def test_a_line_that_is_too_long_is_skipped() -> None:
    long, good = talk(b"x" * (MAX_LINE_BYTES + 5) + b"\n" + request("echo"))
    assert code(long) == (None, rpc.INVALID_REQUEST)
    assert good["result"] == {"echo": None}
    assert talk(b"x" * (MAX_LINE_BYTES + 5)) == []


def test_a_line_of_the_greatest_length_is_read() -> None:
    filler = b" " * (MAX_LINE_BYTES - len(request("echo")))
    assert talk(request("echo")[:-1] + filler + b"\n")[0]["result"] == {"echo": None}
