"""One candidate process: started in a sandbox, spoken to by the protocol, killed, paused, and started again.

Every request carries `now_ms`. Times allowed for a reply come from the protocol. A reply that is no message, or none at all,
raises a `CandidateFailure` whose sentence says what was expected and what came.
"""

from __future__ import annotations

import contextlib
import re
import subprocess
import time
from collections.abc import Callable
from typing import Any

import msgspec

from harness.errors import CandidateBrokeProtocol, CandidateDied, CandidateFailure, CandidateHung, RpcError
from harness.runtime import diagnose, tree
from harness.runtime.channel import Channel, Closed, Flooded, TimedOut
from harness.runtime.clock import ClockPage
from harness.runtime.sandbox import Spawned

PROTOCOL = 1
TIMEOUT_S = {"initialize": 10.0, "tick": 30.0}
OTHER_TIMEOUT_S = 5.0
INGEST_PER_LOG_S = 0.001
EXIT_PATIENCE_S = 2.0
MAX_NOTIFICATIONS = 100_000
MAX_NOTIFICATION_BYTES = 32 << 20
MAX_DEPTH = 64
MAX_INTEGER = 1 << 63
_LONG_NUMBER = re.compile(rb"\d{19}")

_decode = msgspec.json.Decoder().decode
_encode = msgspec.json.Encoder().encode


def ingest_timeout_s(logs: int) -> float:
    """Time allowed for an `ingest` of that many logs, in seconds (protocol: 5 s + 1 ms a log)."""
    return OTHER_TIMEOUT_S + logs * INGEST_PER_LOG_S


def sane(value: object, raw: bytes) -> bool:
    """Whether a decoded message is no deeper than `MAX_DEPTH` and holds no integer beyond 2^63; cheap where `raw` cannot."""
    if raw.count(b"[") + raw.count(b"{") <= MAX_DEPTH and not _LONG_NUMBER.search(raw):
        return True
    level: list[object] = [value]
    for _ in range(MAX_DEPTH + 1):
        below: list[object] = []
        for item in level:
            if isinstance(item, dict):
                below.extend(item.values())
            elif isinstance(item, list):
                below.extend(item)
            elif isinstance(item, int) and abs(item) >= MAX_INTEGER:
                return False
        if not below:
            return True
        level = below
    return False


def _is_notification(message: dict[str, Any]) -> bool:
    return "method" in message and "id" not in message


class Process:
    """A running candidate. Not safe for use from several threads."""

    def __init__(self, spawned: Spawned, page: ClockPage | None, *, node_id: str = "p0", incarnation: int = 0) -> None:
        self._spawned = spawned
        self._page = page
        self._channel = Channel(spawned.popen)
        self._next_id = 0
        self.node_id = node_id
        self.incarnation = incarnation
        self.initialized: dict[str, Any] = {}
        self.capabilities: frozenset[str] = frozenset()
        self.declared: dict[str, Any] = {}
        self.name = ""
        self.language = ""
        self.notifications: list[dict[str, Any]] = []
        self._notification_bytes = 0
        self.on_line: Callable[[str, bytes], None] | None = None
        self._closed = False

    # -- requests ------------------------------------------------------------------------------------------------------------

    def request(self, method: str, params: dict[str, Any], *, now_ms: float, timeout_s: float | None = None) -> dict[str, Any]:
        """One request and its reply's `result`. Raises RpcError or a CandidateFailure."""
        return self.request_raw(method, _encode({**params, "now_ms": now_ms}), timeout_s=timeout_s)

    def request_raw(self, method: str, params_json: bytes, *, timeout_s: float | None = None) -> dict[str, Any]:
        """As `request`, with params already encoded: a JSON object that holds `now_ms`."""
        number, line = self.encode(method, params_json)
        allowed_s = timeout_s if timeout_s is not None else TIMEOUT_S.get(method, OTHER_TIMEOUT_S)
        deadline = time.monotonic() + allowed_s
        try:
            first = self._channel.exchange(line, deadline, allowed_s)
            return self._reply_to(first, number, method, line, deadline)
        except TimedOut as error:
            waiting = tree.waits_in_read(self._spawned.root_pid)
            text = diagnose.no_reply(method, allowed_s, self._channel.partial, waiting=waiting)
            raise CandidateHung(text, **self._context(line)) from error
        except Flooded as error:
            raise CandidateBrokeProtocol(f"{error} while {method!r} was outstanding", **self._context(line)) from error
        except Closed as error:
            raise self.ending(method, line) from error

    def encode(self, method: str, params_json: bytes) -> tuple[int, bytes]:
        """The number and the line of the next request."""
        self._next_id += 1
        line = b'{"jsonrpc":"2.0","id":%d,"method":"%s","params":%s}\n' % (self._next_id, method.encode(), params_json)
        if self.on_line is not None:
            self.on_line("->", line[:-1])
        return self._next_id, line

    def ending(self, method: str, line: bytes) -> CandidateFailure:
        """Why there is no reply from a process that ended: what it printed last tells more than that it is gone."""
        why = self._why_ended(method)
        if self._channel.has_line():
            try:
                self.message_of(self._channel.read_line(0.0), line)
            except CandidateBrokeProtocol as error:
                return CandidateBrokeProtocol(f"{error}; after that, {why}", **self._context(line))
        return CandidateDied(why, **self._context(line))

    def _reply_to(self, raw: bytes, number: int, method: str, line: bytes, deadline: float) -> dict[str, Any]:
        for _ in range(MAX_NOTIFICATIONS):
            message = self.message_of(raw, line)
            if _is_notification(message):
                self._keep(message, raw)
                raw = self._channel.read_line(deadline)
                continue
            if message.get("id") != number:
                wrong = f"the reply to {method!r} carried id {message.get('id')!r:.60} where {number} was expected"
                raise CandidateBrokeProtocol(wrong, **self._context(line))
            return self.result_of(message, method, line)
        raise CandidateBrokeProtocol(
            f"{MAX_NOTIFICATIONS} notifications came and no reply to {method!r}", **self._context(line)
        )

    def _keep(self, message: dict[str, Any], raw: bytes) -> None:
        self.notifications.append(message)
        self._notification_bytes += len(raw)
        if self._notification_bytes > MAX_NOTIFICATION_BYTES or len(self.notifications) > MAX_NOTIFICATIONS:
            raise CandidateBrokeProtocol("more notifications came than any suite could read", **self._context(b""))

    def message_of(self, raw: bytes, line: bytes) -> dict[str, Any]:
        """A line as a message; `line` is the request outstanding, if any. Raises CandidateBrokeProtocol."""
        if self.on_line is not None:
            self.on_line("<-", raw)
        try:
            message = _decode(raw)
        except (msgspec.DecodeError, UnicodeDecodeError, RecursionError):
            message = None
        if not sane(message, raw):
            what = f"nested more than {MAX_DEPTH} deep, or with an integer beyond 2^63"
            raise CandidateBrokeProtocol(f"a message came that is {what}: {diagnose.clip(raw)}", **self._context(line))
        if not isinstance(message, dict) or not ("result" in message or "method" in message or "error" in message):
            raise CandidateBrokeProtocol(diagnose.not_a_message(raw), **self._context(line))
        return message

    def result_of(self, message: dict[str, Any], method: str, line: bytes) -> dict[str, Any]:
        """The result that a reply carries. Raises RpcError or CandidateBrokeProtocol."""
        error = message.get("error")
        if isinstance(error, dict):
            code = error.get("code")
            if isinstance(code, bool) or not isinstance(code, int):
                raise CandidateBrokeProtocol(
                    f"the error to {method!r} has no integer code: {error!r:.200}", **self._context(line)
                )
            raise RpcError(code, str(error.get("message", ""))[:500], error.get("data"), method=method)
        result = message.get("result")
        if not isinstance(result, dict):
            wrong = f"the reply to {method!r} must have an object as its result; it had {result!r:.120}"
            raise CandidateBrokeProtocol(wrong, **self._context(line))
        return result

    def initialize(self, params: dict[str, Any], *, now_ms: float) -> dict[str, Any]:
        """Sends `initialize` and keeps what the candidate says of itself. Raises CandidateBrokeProtocol on a wrong shape."""
        return self.accept_initialize(self.request("initialize", {"protocol": PROTOCOL, **params}, now_ms=now_ms))

    def accept_initialize(self, result: dict[str, Any]) -> dict[str, Any]:
        """Keeps what the candidate says of itself in that result. Raises CandidateBrokeProtocol on a wrong shape."""
        shapes: tuple[tuple[str, type, str], ...] = (
            ("name", str, "a string"),
            ("language", str, "a string"),
            ("capabilities", list, "a list of strings"),
            ("declared", dict, "an object"),
        )
        for key, shape, words in shapes:
            if not isinstance(result.get(key), shape):
                got = result.get(key, "nothing")
                raise CandidateBrokeProtocol(f"the result of 'initialize' needs {key!r} as {words}; it had {got!r:.80}")
        if not all(isinstance(item, str) for item in result["capabilities"]):
            raise CandidateBrokeProtocol("the result of 'initialize' needs 'capabilities' as a list of strings")
        if isinstance(result.get("now_ms"), bool) or not isinstance(result.get("now_ms"), int | float):
            got = result.get("now_ms", "nothing")
            raise CandidateBrokeProtocol(f"the result of 'initialize' needs 'now_ms', its own clock in ms; it had {got!r:.80}")
        self.initialized = result
        self.name, self.language = result["name"][:200], result["language"][:50]
        self.capabilities = frozenset(result["capabilities"])
        self.declared = result["declared"]
        return result

    # -- raw bytes, for suites that send what no client would ------------------------------------------------------------------

    def send_bytes(self, raw: bytes, *, timeout_s: float = OTHER_TIMEOUT_S) -> None:
        """Puts raw bytes on its stdin."""
        if self.on_line is not None:
            self.on_line("->", raw)
        try:
            self._channel.write(raw, time.monotonic() + timeout_s)
        except Flooded as error:
            raise CandidateBrokeProtocol(f"{error} while raw bytes were sent", **self._context(raw)) from error
        except TimedOut as error:
            raise CandidateHung("it stopped reading its stdin", **self._context(raw)) from error
        except Closed as error:
            raise self.ending("raw bytes", raw) from error

    def read_reply(self, timeout_s: float) -> dict[str, Any] | None:
        """The next reply, whatever its id; None for silence. Raises CandidateDied or CandidateBrokeProtocol."""
        deadline = time.monotonic() + timeout_s
        try:
            for _ in range(MAX_NOTIFICATIONS):
                raw = self._channel.read_line(deadline)
                message = self.message_of(raw, b"")
                if not _is_notification(message):
                    return message
                self._keep(message, raw)
            raise CandidateBrokeProtocol(f"{MAX_NOTIFICATIONS} notifications came and no reply", **self._context(b""))
        except TimedOut:
            return None
        except Flooded as error:
            raise CandidateBrokeProtocol(str(error), **self._context(b"")) from error
        except Closed as error:
            raise self.ending("raw bytes", b"") from error

    # -- clock ---------------------------------------------------------------------------------------------------------------

    @property
    def has_clock(self) -> bool:
        """Whether its wall clock can be moved."""
        return self._page is not None

    def set_wall_ms(self, wall_ms: float) -> None:
        """Its wall clock reads `wall_ms` from now on, held there until the next call: the same in every run of a stream.

        Without a shim nothing happens: a candidate on the wall clock is then inconclusive before it gets here.
        """
        if self._page is not None:
            self._page.hold_ms(wall_ms)

    def set_clock_offset_ns(self, offset_ns: int) -> None:
        """From now on its wall clock reads the real time plus that, and runs. Without a shim nothing happens."""
        if self._page is not None:
            self._page.set_offset_ns(offset_ns)

    def wall_holds(self) -> bool:
        """Whether all that it can have read of its wall clock since the last call of `set_wall_ms` is that one moment.

        Asked after a reply, it speaks of all that led to the reply. Without a shim there is nothing to run out: True.
        """
        return self._page is None or self._page.holds()

    def wall_ms(self) -> float:
        """What its wall clock reads, in epoch milliseconds, if it obeys the shim."""
        return self._page.wall_ms() if self._page is not None else time.time() * 1000

    # -- faults and end --------------------------------------------------------------------------------------------------------

    def stop(self) -> tree.Proof:
        """SIGSTOP to every descendant, verified."""
        return tree.stop(self._spawned.root_pid)

    def cont(self) -> tree.Proof:
        """SIGCONT to every descendant, verified."""
        return tree.cont(self._spawned.root_pid)

    def kill(self) -> tree.Proof:
        """SIGKILL to the whole tree, verified; what it wrote before stays readable."""
        proof = tree.kill(self._spawned.root_pid)
        with contextlib.suppress(subprocess.TimeoutExpired):
            self._spawned.popen.wait(EXIT_PATIENCE_S)
        return proof

    def wait(self, patience_s: float) -> int | None:
        """Waits for it to end by itself; its exit status, or None if it goes on beyond the patience."""
        deadline = time.monotonic() + patience_s
        with contextlib.suppress(Flooded):
            self._channel.drain(patience_s)
        try:
            return self._status(self._spawned.popen.wait(max(deadline - time.monotonic(), 0.05)))
        except subprocess.TimeoutExpired:
            return None

    def _status(self, code: int | None) -> int | None:
        """An exit status as `Popen` gives it: a sandbox around the process reports a death by signal n as 128 + n."""
        wrapped = self._spawned.root_pid != self._spawned.popen.pid
        return 128 - code if code is not None and wrapped and code > 128 else code

    def finish(self, patience_s: float = EXIT_PATIENCE_S) -> int | None:
        """Ends its stdin, then as `wait`."""
        self._channel.close_stdin()
        return self.wait(patience_s)

    def alive(self) -> bool:
        """Whether the process still runs."""
        return self._spawned.popen.poll() is None and tree.state_of(self._spawned.root_pid) not in "-ZX"

    @property
    def channel(self) -> Channel:
        """Its pipes, for the loop that reads them (see `harness.runtime.actor`)."""
        return self._channel

    @property
    def pipe_fds(self) -> tuple[int, int]:
        """Its stdin and stdout, for the benchmark that measures what the driver adds to them."""
        return self._channel.stdin_fd, self._channel.stdout_fd

    @property
    def pid(self) -> int:
        """Its first process, as the host numbers it."""
        return self._spawned.root_pid

    def rss_bytes(self) -> int:
        """Resident memory of the process and its children, in bytes."""
        return tree.rss_bytes(self._spawned.root_pid)

    def stderr_tail(self, limit: int = 2000) -> str:
        """The last of what it wrote to stderr."""
        with contextlib.suppress(Closed, Flooded):
            self._channel.pump(0)
        return self._channel.stderr_tail(limit)

    def close(self) -> None:
        """Kills it if it runs, and frees everything. May be called twice."""
        if self._closed:
            return
        self._closed = True
        if self.alive():
            self.kill()
        if self._spawned.popen.poll() is None:
            self._spawned.popen.kill()
            self._spawned.popen.wait()
        self._channel.close()
        if self._spawned.group is not None:
            self._spawned.group.close()
        self._spawned.cleanup()
        if self._page is not None:
            self._page.close()

    def __enter__(self) -> Process:
        return self

    def __exit__(self, *_: object) -> None:
        self.close()

    # -- words -----------------------------------------------------------------------------------------------------------------

    def _why_ended(self, method: str) -> str:
        # On a busy machine the exit status comes well after the end of stdout: without it we would say that it still runs.
        with contextlib.suppress(subprocess.TimeoutExpired):
            self._spawned.popen.wait(EXIT_PATIENCE_S)
        with contextlib.suppress(Flooded, Closed):
            self._channel.drain(0.2)
        group = self._spawned.group
        return diagnose.ended(method, self._status(self._spawned.popen.poll()), group.killed_for() if group is not None else "")

    def _context(self, line: bytes) -> dict[str, str]:
        return {"stderr_tail": self.stderr_tail(), "request": line[:300].decode("utf-8", "replace").rstrip()}
