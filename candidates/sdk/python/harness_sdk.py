"""The candidate protocol, version 1, for Python: JSON-RPC 2.0, one message per line on stdin and stdout.

One file, standard library only: put its folder on PYTHONPATH, or copy it beside your own code.

    from harness_sdk import InvalidParams, serve

    class Detector:
        def ingest(self, params): return {"accepted": len(params["logs"]), "rejected": 0, "alerts": []}
        def tick(self, params): return {"alerts": []}

    serve(Detector(), name="mine", declared={"bucket_ms": 5000, "warmup_ms": 60000, "lateness_ms": 3000})

Times are integers in milliseconds since the Unix epoch and end in `_ms`.
"""

from __future__ import annotations

import asyncio
import contextlib
import json
import math
import os
import sys
import threading
import time
import traceback
from collections.abc import Awaitable, Callable, Iterable, Iterator, Mapping
from concurrent.futures import ThreadPoolExecutor
from inspect import isawaitable, iscoroutinefunction
from typing import Any, NamedTuple, NoReturn

__all__ = [
    "MAX_LINE_BYTES",
    "PROTOCOL",
    "InvalidParams",
    "RpcError",
    "Unavailable",
    "emit",
    "encode",
    "now_ms",
    "serve",
]

PROTOCOL = 1
MAX_LINE_BYTES = 16 * 1024 * 1024

_METHODS = ("ingest", "tick", "snapshot", "restore", "offer", "resolve", "reset", "stats", "shutdown")
_OPTIONAL = ("reset", "stats", "resolve")
_STACK_FRAMES = 5
_FAREWELL_S = 1.5  # EOF allows two seconds in all

Handler = Callable[[dict[str, Any]], Any]


class RpcError(Exception):
    """An error with a code of its own, answered as such when a handler raises it; `data` is any JSON."""

    def __init__(self, code: int, message: str, data: object = None) -> None:
        super().__init__(message)
        self.code = code
        self.message = message
        self.data = data


class InvalidParams(RpcError):
    """The params are malformed: definite, nothing happened (-32602)."""

    def __init__(self, message: str, data: object = None) -> None:
        super().__init__(-32602, message, data)


class Unavailable(RpcError):
    """Temporarily unable: definite, nothing happened (-32001)."""

    def __init__(self, message: str, data: object = None) -> None:
        super().__init__(-32001, message, data)


# --- the clock --------------------------------------------------------------------------------------------


class _Clock:
    virtual = False
    last_ms = 0


_clock = _Clock()


def now_ms() -> int:
    """Epoch ms to reckon with: the newest request's `now_ms` under a virtual clock, else the system's."""
    return _clock.last_ms if _clock.virtual else int(time.time() * 1000)


# --- writing ----------------------------------------------------------------------------------------------

_ENCODER = json.JSONEncoder(separators=(",", ":"), allow_nan=False)


def encode(message: object) -> str:
    """One message as JSON text; a non-finite number becomes the text "NaN", "Infinity" or "-Infinity".

    Raises TypeError for what JSON cannot hold, RecursionError for a cycle.
    """
    try:
        return _ENCODER.encode(message)
    except ValueError:  # a number that is not finite, or a cycle, which the next line meets again
        return _ENCODER.encode(_finite_or_text(message))


def _finite_or_text(value: object) -> object:
    if isinstance(value, float) and not math.isfinite(value):
        return "NaN" if math.isnan(value) else "Infinity" if value > 0 else "-Infinity"
    if isinstance(value, Mapping):
        return {key: _finite_or_text(item) for key, item in value.items()}
    if isinstance(value, list | tuple):
        return [_finite_or_text(item) for item in value]
    return value


class _Output:
    """The protocol's own stdout. Lines are whole even if several threads write."""

    def __init__(self) -> None:
        self._fd = 1
        self._lock = threading.Lock()

    def take(self) -> None:
        """Keeps stdout for the protocol: whatever else is printed, from C too, goes to stderr from now on."""
        sys.stdout.flush()
        self._fd = os.dup(1)
        os.set_blocking(self._fd, True)
        os.dup2(2, 1)
        sys.stdout = sys.stderr

    def line(self, text: str) -> None:
        rest = memoryview(text.encode("ascii") + b"\n")
        with self._lock:
            while rest:
                rest = rest[os.write(self._fd, rest) :]


_output = _Output()


def emit(params: Mapping[str, Any]) -> None:
    """Sends the notification `emit`. The line is out, in full, when this returns."""
    _output.line(encode({"jsonrpc": "2.0", "method": "emit", "params": params}))


def _send_error(request_id: object, error: Exception) -> None:
    _output.line(encode({"jsonrpc": "2.0", "id": request_id, "error": _describe(error)}))


def _describe(error: Exception) -> dict[str, Any]:
    if isinstance(error, RpcError):
        shown: dict[str, Any] = {"code": error.code, "message": error.message}
        return shown if error.data is None else shown | {"data": error.data}
    stack = "".join(traceback.format_exception(error, limit=-_STACK_FRAMES)).splitlines()
    # A library wraps the driver's error: what went wrong is in the cause.
    cause = f" (cause: {error.__cause__})" if error.__cause__ else ""
    return {"code": -32603, "message": f"{type(error).__name__}: {error}{cause}", "data": {"stack": stack}}


# --- reading ----------------------------------------------------------------------------------------------


class _Request(NamedTuple):
    id: int | float | str
    method: str
    params: dict[str, Any]


def _take_stdin() -> int:
    """A private descriptor of stdin, so that an `input()` of the candidate's cannot eat requests."""
    fd = os.dup(0)
    os.set_blocking(fd, True)
    nothing = os.open(os.devnull, os.O_RDONLY)
    os.dup2(nothing, 0)
    os.close(nothing)
    return fd


def _lines(fd: int) -> Iterator[bytes | None]:
    """Lines without their end; None for one that is too long. An unfinished last line is no line."""
    with os.fdopen(fd, "rb", buffering=64 * 1024) as source:
        while line := source.readline(MAX_LINE_BYTES + 1):
            if line.endswith(b"\n"):
                yield line[:-1]
                continue
            while (rest := source.readline(MAX_LINE_BYTES)) and not rest.endswith(b"\n"):
                pass
            if rest:
                yield None


def _no_constant(text: str) -> NoReturn:
    raise ValueError(f"{text} is not JSON")


_DECODER = json.JSONDecoder(parse_constant=_no_constant)


def _parse(line: bytes | None) -> object:
    if line is None:
        raise RpcError(-32700, f"a line may have at most {MAX_LINE_BYTES} bytes")
    try:
        return _DECODER.decode(line.decode("utf-8"))
    except RecursionError:
        raise RpcError(-32700, "the line is nested too deeply to be read") from None
    except ValueError as error:  # UnicodeDecodeError and JSONDecodeError are both ValueErrors
        raise RpcError(-32700, f"the line is not UTF-8 JSON: {error}") from None


def _is_id(value: object) -> bool:
    return isinstance(value, int | float | str) and not isinstance(value, bool)


def _request(message: object) -> _Request:
    if not isinstance(message, dict) or message.get("jsonrpc") != "2.0":
        raise RpcError(-32600, 'a request is a JSON object that says "jsonrpc": "2.0"')
    if not _is_id(message.get("id")):
        raise RpcError(-32600, "a request needs an id that is a number or a string")
    method, params = message.get("method"), message.get("params", {})
    if not isinstance(method, str):
        raise RpcError(-32600, "a request needs a method that is a string")
    if not isinstance(params, dict):
        raise InvalidParams("params must be an object")
    return _Request(message["id"], method, params)


def _read(line: bytes | None) -> _Request | None:
    """The request in a line; None if there is none, which has been answered."""
    message: object = None
    try:
        message = _parse(line)
        return _request(message)
    except RpcError as error:
        known = isinstance(message, dict) and _is_id(message.get("id"))
        _send_error(message["id"] if known and isinstance(message, dict) else None, error)
        return None


# --- serving ----------------------------------------------------------------------------------------------


class _Server:
    """The candidate's handlers behind the methods of the protocol."""

    def __init__(self, handlers: object, identity: dict[str, Any], capabilities: Iterable[str]) -> None:
        self._own = {name: handler for name in (*_METHODS, "initialize") if (handler := _find(handlers, name))}
        self._identity = identity | {"capabilities": self._capabilities(capabilities)}
        self._methods: dict[str, Handler] = {"tick": lambda _: {"alerts": []}, "shutdown": lambda _: {}}
        self._methods |= self._own | {"initialize": self._initialize}

    @property
    def has_coroutines(self) -> bool:
        return any(iscoroutinefunction(handler) for handler in self._own.values())

    def _capabilities(self, given: Iterable[str]) -> list[str]:
        implied = [name for name in _OPTIONAL if name in self._own]
        if "snapshot" in self._own and "restore" in self._own:
            implied.append("snapshot")
        return list(dict.fromkeys([*given, *implied]))

    def call(self, request: _Request) -> Any:
        """The handler's result, or an awaitable of it."""
        handler = self._methods.get(request.method)
        if handler is None:
            raise RpcError(-32601, f"the method {request.method!r} is not supported")
        now = request.params.get("now_ms")
        if isinstance(now, bool) or not isinstance(now, int | float) or not math.isfinite(now):
            raise InvalidParams("now_ms must be a number")
        _clock.last_ms = int(now)
        return handler(request.params)

    def answer(self, request: _Request) -> None:
        """Calls the handler and writes the reply, whatever happens."""
        try:
            _reply(request, self.call(request))
        except Exception as error:  # noqa: BLE001 - any failure of the candidate's is an answer, not a lost connection
            _send_error(request.id, error)

    async def answer_later(self, request: _Request) -> None:
        """The same for handlers that may be coroutines."""
        try:
            result = self.call(request)
            _reply(request, await result if isawaitable(result) else result)
        except Exception as error:  # noqa: BLE001 - any failure of the candidate's is an answer, not a lost connection
            _send_error(request.id, error)

    def _initialize(self, params: dict[str, Any]) -> Any:
        if params.get("protocol") != PROTOCOL:
            raise InvalidParams(f"protocol must be {PROTOCOL}")
        _clock.virtual = params.get("clock") == "virtual"
        handler = self._own.get("initialize")
        extra = handler(params) if handler else None
        return self._identity_later(extra) if isawaitable(extra) else self._identify(extra)

    def _identify(self, extra: Mapping[str, Any] | None) -> dict[str, Any]:
        # Always this process's own system clock, read last: it is the harness's probe of an injected skew.
        return {**self._identity, **(extra or {}), "now_ms": int(time.time() * 1000)}

    async def _identity_later(self, extra: Awaitable[Mapping[str, Any] | None]) -> dict[str, Any]:
        return self._identify(await extra)


def _find(handlers: object, name: str) -> Handler | None:
    found = handlers.get(name) if isinstance(handlers, Mapping) else getattr(handlers, name, None)
    if found is not None and not callable(found):
        raise TypeError(f"the handler {name!r} must be a function, not {type(found).__name__}")
    return found


def _reply(request: _Request, result: object) -> None:
    _output.line(encode({"jsonrpc": "2.0", "id": request.id, "result": {} if result is None else result}))


def _serve_in_turn(server: _Server, lines: Iterator[bytes | None]) -> None:
    for line in lines:
        request = _read(line)
        if request is None:
            continue
        server.answer(request)
        if request.method == "shutdown":
            return


def _serve_in_threads(server: _Server, lines: Iterator[bytes | None], workers: int) -> None:
    pool = ThreadPoolExecutor(workers, thread_name_prefix="request")
    for line in lines:
        request = _read(line)
        if request is None:
            continue
        if request.method in ("initialize", "shutdown"):
            server.answer(request)
        else:
            pool.submit(server.answer, request)
        if request.method == "shutdown":
            break
    pool.shutdown(wait=True, cancel_futures=True)


async def _serve_in_loop(server: _Server, lines: Iterator[bytes | None], concurrent: bool) -> None:
    loop = asyncio.get_running_loop()
    inbox: asyncio.Queue[_Request | None] = asyncio.Queue()

    def feed() -> None:
        for line in lines:
            if request := _read(line):
                loop.call_soon_threadsafe(inbox.put_nowait, request)
        loop.call_soon_threadsafe(inbox.put_nowait, None)

    loop.set_exception_handler(lambda _, context: _die(context.get("exception") or context.get("message")))
    threading.Thread(target=feed, daemon=True).start()
    running: set[asyncio.Task[None]] = set()
    while (request := await inbox.get()) is not None:
        task = asyncio.create_task(server.answer_later(request))
        running.add(task)
        task.add_done_callback(running.discard)
        if not concurrent or request.method in ("initialize", "shutdown"):
            await task
        if request.method == "shutdown":
            return
    if running:
        await asyncio.wait(running, timeout=_FAREWELL_S)


def _die(cause: object) -> NoReturn:
    shown = "".join(traceback.format_exception(cause)) if isinstance(cause, BaseException) else f"{cause}\n"
    sys.stderr.write(f"uncaught outside a request: {shown}")
    sys.stderr.flush()
    os._exit(1)


def serve(
    handlers: object,
    *,
    name: str,
    language: str = "python",
    capabilities: Iterable[str] = (),
    declared: Mapping[str, int] | None = None,
    workers: int = 8,
) -> NoReturn:
    """Speaks the protocol until EOF or `shutdown`, then exits 0.

    `handlers` is an object with methods, or a mapping of functions, named as the protocol's methods; each
    takes the params (a dict) and returns the result (None for `{}`), or raises InvalidParams, Unavailable or
    RpcError. Handlers may be coroutines. The capabilities `snapshot`, `reset`, `stats` and `resolve` follow
    from the handlers. With the capability `pipelining` requests overlap: coroutines on one loop, else in
    `workers` threads. An exception inside a handler is answered with -32603; one outside of it ends the
    process with status 1.
    """
    offered = list(capabilities)
    identity = {"name": name, "language": language, "declared": dict(declared or {})}
    server = _Server(handlers, identity, offered)
    concurrent = "pipelining" in offered
    lines = _lines(_take_stdin())
    _output.take()
    threading.excepthook = lambda args: _die(args.exc_value)
    with contextlib.suppress(BrokenPipeError):  # nobody listens any more: the same as EOF
        if server.has_coroutines:
            asyncio.run(_serve_in_loop(server, lines, concurrent))
        elif concurrent:
            _serve_in_threads(server, lines, workers)
        else:
            _serve_in_turn(server, lines)
    sys.exit(0)
