"""The deduplicator behind the candidate protocol, challenge `alert-dedup`."""

import os
import sys
import threading

import msgspec

from reference_impl.dedup import (
    Connections,
    Deduplicator,
    Held,
    StoreRefused,
    StoreUnavailable,
    Terms,
    opener,
    severity_rank,
)
from reference_impl.handshake import introduction, require_hello
from reference_impl.rpc import (
    INTERNAL_ERROR,
    INVALID_PARAMS,
    INVALID_REQUEST,
    Handler,
    Params,
    Result,
    RpcError,
    Shutdown,
    encode,
    rss_bytes,
)

CHALLENGE = "alert-dedup"
UNAVAILABLE = -32001
CONNECTIONS = 4
"""As many as there are threads to use them."""
_PARAMS_WANTED = "store must be an object with kind, url and prefix (strings)"


class _StoreParams(msgspec.Struct):
    kind: str
    url: str
    prefix: str = ""


class _Config(msgspec.Struct):
    window_ms: int = Terms().window_ms


class LineWriter:
    """Whole lines to a file descriptor, from any thread; a line is out when `write` returns."""

    def __init__(self, fd: int) -> None:
        self._fd = fd
        self._lock = threading.Lock()

    def write(self, line: bytes) -> None:
        """Raises BrokenPipeError when nobody reads any more."""
        with self._lock:
            while line:
                line = line[os.write(self._fd, line) :]


class DedupService:
    """Handlers for one process. They may run side by side, except `initialize` and `reset`."""

    def __init__(self, writer: LineWriter) -> None:
        self._writer = writer
        self._deduplicator: Deduplicator | None = None
        self._connections: Connections | None = None

    def handlers(self) -> dict[str, Handler]:
        """Method name -> handler."""
        return {
            "initialize": self._initialize,
            "offer": self._offer,
            "resolve": self._resolve,
            "tick": self._tick,
            "reset": self._reset,
            "stats": self._stats,
            "shutdown": self._shutdown,
        }

    def close(self) -> None:
        """Close the connections."""
        if self._connections is not None:
            self._connections.close()

    def _initialize(self, params: Params) -> Result:
        require_hello(params, CHALLENGE)
        terms = Terms(window_ms=_window_ms(params))
        self.close()
        self._connections = _connections(params, terms)
        self._deduplicator = Deduplicator(self._connections, self._send, terms)
        declared = {"lease_ms": terms.lease_ms, "retention_ms": terms.retention_ms}
        return introduction("reference-deduplicator", ["pipelining", "reset", "stats"], declared)

    def _offer(self, params: Params) -> Result:
        deduplicator = self._ready()
        fingerprint, event_id = _text(params, "fingerprint"), _text(params, "event_id")
        alert = params.get("alert")
        if not isinstance(alert, dict):
            raise RpcError(INVALID_PARAMS, f"alert must be an object, not {type(alert).__name__}")
        try:
            return {"decision": deduplicator.offer(fingerprint, event_id, severity_rank(alert.get("severity")))}
        except StoreUnavailable as error:
            code = INTERNAL_ERROR if error.maybe_done else UNAVAILABLE
            raise RpcError(code, str(error)) from error
        except StoreRefused as error:
            raise RpcError(INTERNAL_ERROR, str(error)) from error

    def _resolve(self, params: Params) -> Result:
        """A window ends by itself: nothing depends on whether the condition is over."""
        self._ready()
        _text(params, "fingerprint")
        return {}

    def _tick(self, params: Params) -> Result:
        try:
            self._ready().tick()
        except StoreRefused as error:
            raise RpcError(INTERNAL_ERROR, str(error)) from error
        return {}

    def _reset(self, params: Params) -> Result:
        self._ready().reset()
        return {}

    def _stats(self, params: Params) -> Result:
        return {"rss_bytes": rss_bytes()}

    def _shutdown(self, params: Params) -> Result:
        raise Shutdown

    def _ready(self) -> Deduplicator:
        if self._deduplicator is None:
            raise RpcError(INVALID_REQUEST, "initialize must come first")
        return self._deduplicator

    def _send(self, alert: Held) -> None:
        page = {"alert_id": alert.alert_id, "fingerprint": alert.fingerprint, "event_id": alert.event_id}
        self._writer.write(encode({"jsonrpc": "2.0", "method": "emit", "params": page}))


def _window_ms(params: Params) -> int:
    try:
        window_ms = msgspec.convert(params.get("config") or {}, _Config).window_ms
    except msgspec.ValidationError as error:
        raise RpcError(INVALID_PARAMS, f"config must be an object with window_ms in ms: {error}") from error
    if window_ms <= 0:
        raise RpcError(INVALID_PARAMS, f"config.window_ms must be positive, not {window_ms}")
    return window_ms


def _connections(params: Params, terms: Terms) -> Connections:
    """Opened already, where the store is there; where it is not yet, opened when needed."""
    try:
        store = msgspec.convert(params.get("store"), _StoreParams)
    except msgspec.ValidationError as error:
        raise RpcError(INVALID_PARAMS, f"{_PARAMS_WANTED}: {error}") from error
    try:
        connections = Connections(opener(store.kind, store.url, store.prefix, terms))
    except ValueError as error:
        raise RpcError(INVALID_PARAMS, str(error)) from error
    try:
        connections.warm(CONNECTIONS)
    except StoreUnavailable as error:
        print(f"dedup: begun without the store: {error}", file=sys.stderr)
    return connections


def _text(params: Params, name: str) -> str:
    value = params.get(name)
    if not isinstance(value, str) or not value:
        kind = "an empty one" if value == "" else type(value).__name__
        raise RpcError(INVALID_PARAMS, f"{name} must be a string that is not empty, not {kind}")
    try:
        value.encode()
    except UnicodeEncodeError as error:
        raise RpcError(INVALID_PARAMS, f"{name} must be Unicode text, without lone surrogates: {error}") from error
    return value
