"""JSON-RPC 2.0 over lines: reading, answering and every way in which a line can be wrong.

One blocking read and one blocking write a request. A bad line is answered and forgotten; nothing that arrives
on stdin ends the process but its end, or `shutdown`.
"""

import json
import resource
from collections.abc import Callable
from pathlib import Path
from typing import BinaryIO, Never

import msgspec

PARSE_ERROR = -32700
INVALID_REQUEST = -32600
METHOD_NOT_FOUND = -32601
INVALID_PARAMS = -32602
INTERNAL_ERROR = -32603

MAX_LINE_BYTES = 16 * 1024 * 1024
BOM = b"\xef\xbb\xbf"
LONGEST_INTEGER = 400
"""Digits beyond which an integer literal is read as a float (so as infinity), rather than slowly exactly."""

Params = dict[str, object]
Result = dict[str, object]
Handler = Callable[[Params], Result]
FastPath = Callable[[bytes], bytes | None]


class RpcError(Exception):
    """An error to be answered with its code and one sentence."""

    def __init__(self, code: int, message: str) -> None:
        super().__init__(message)
        self.code = code


class Shutdown(Exception):
    """Raised by a handler that has said goodbye: answer `{}`, then exit."""


def loads(line: bytes) -> object:
    """The JSON value in a line. Raises RpcError(PARSE_ERROR).

    Quick for plain JSON. Lone surrogates and numbers beyond a double are let through (as surrogates and as
    infinity), for each method to judge: they spoil one value, not the message around them.
    """
    text = line.removeprefix(BOM)
    try:
        return msgspec.json.decode(text)
    except (msgspec.DecodeError, RecursionError, UnicodeDecodeError):
        pass
    try:
        return json.loads(text.decode("utf-8"), parse_int=_integer, parse_constant=_no_constant)
    except (ValueError, RecursionError) as error:
        reason = str(error) or "nested too deeply"
        raise RpcError(PARSE_ERROR, f"a line must be one JSON object in UTF-8: {reason:.200}") from None


def _integer(digits: str) -> int | float:
    return int(digits) if len(digits) <= LONGEST_INTEGER else float(digits)


def _no_constant(name: str) -> Never:
    raise ValueError(f"{name} is not JSON")


def read_line(stdin: BinaryIO) -> bytes | None:
    """The next whole line without its end, or None when no further one will come.

    A line without an end at the end of input is half a line, and none. Raises RpcError for one that is too
    long, after skipping all of it.
    """
    line = stdin.readline(MAX_LINE_BYTES + 1)
    if line.endswith(b"\n"):
        return line[:-1]
    if len(line) <= MAX_LINE_BYTES:
        return None
    while not line.endswith(b"\n"):
        line = stdin.readline(MAX_LINE_BYTES)
        if not line:
            return None
    raise RpcError(INVALID_REQUEST, f"a line must be at most {MAX_LINE_BYTES} bytes long; this one is longer")


def answer(line: bytes, handlers: dict[str, Handler]) -> tuple[bytes, bool]:
    """The reply to a line (empty for none), and whether to go on."""
    request_id: object = None
    notification = False
    try:
        request = _request(loads(line))
        request_id, notification = request.get("id"), "id" not in request
        result: Result = _call(request, handlers)
        going_on = True
    except Shutdown:
        result, going_on = {}, False
    except RpcError as error:
        reply = {"jsonrpc": "2.0", "id": request_id, "error": {"code": error.code, "message": str(error)}}
        return b"" if notification else encode(reply), True
    if notification:
        return b"", going_on
    return encode({"jsonrpc": "2.0", "id": request_id, "result": result}), going_on


def _request(value: object) -> dict[str, object]:
    if not isinstance(value, dict):
        kind = {list: "an array", type(None): "null"}.get(type(value), f"a {type(value).__name__}")
        raise RpcError(INVALID_REQUEST, f"a request must be a JSON object, not {kind}")
    request_id = value.get("id", 0)
    if isinstance(request_id, bool) or not isinstance(request_id, int | str) or not _is_text(str(request_id)):
        raise RpcError(INVALID_REQUEST, "id must be an integer or a string")
    if value.get("jsonrpc") != "2.0":
        raise RpcError(INVALID_REQUEST, 'jsonrpc must be "2.0"')
    return value


def _is_text(value: str) -> bool:
    return not any("\ud800" <= c <= "\udfff" for c in value)


def _call(request: dict[str, object], handlers: dict[str, Handler]) -> Result:
    method, params = request.get("method"), request.get("params", {})
    if not isinstance(method, str):
        raise RpcError(INVALID_REQUEST, "method must be a string")
    handler = handlers.get(method)
    if handler is None:
        known = ", ".join(sorted(handlers))
        raise RpcError(METHOD_NOT_FOUND, f"method {method[:60]!a} is not supported; there are {known}")
    if not isinstance(params, dict):
        raise RpcError(INVALID_PARAMS, f"params must be an object, not {type(params).__name__}")
    try:
        return handler(params)
    except (ArithmeticError, LookupError, TypeError, ValueError, AttributeError, RuntimeError) as error:
        raise RpcError(INTERNAL_ERROR, f"{method} failed inside: {type(error).__name__}: {error}") from error


_encoder = msgspec.json.Encoder()


def encode(reply: object) -> bytes:
    """One line of JSON, its end included."""
    return _encoder.encode(reply) + b"\n"


def serve(handlers: dict[str, Handler], stdin: BinaryIO, stdout: BinaryIO, fast: FastPath) -> None:
    """Answer lines until stdin ends or a handler raises Shutdown.

    `fast` may answer a line in full or return None, having changed nothing, to leave it to the handlers.
    """
    going_on = True
    while going_on:
        try:
            line = read_line(stdin)
            if line is None:
                return
            reply = fast(line)
            if reply is None:
                reply, going_on = answer(line, handlers) if line.strip() else (b"", True)
        except RpcError as error:
            reply = encode({"jsonrpc": "2.0", "id": None, "error": {"code": error.code, "message": str(error)}})
        if reply:
            stdout.write(reply)
            stdout.flush()


def rss_bytes() -> int:
    """Resident memory of this process now; where /proc is missing, its peak."""
    try:
        pages = int(Path("/proc/self/statm").read_text().split()[1])
    except OSError:
        return resource.getrusage(resource.RUSAGE_SELF).ru_maxrss * 1024
    return pages * resource.getpagesize()
