"""A candidate process driven by the loop: many at once, requests outstanding, each line stamped as it is read.

The blocking calls of `Process` (`request`, `read_reply`) are not for a process that has an actor: its lines come here.
"""

from __future__ import annotations

import contextlib
from collections.abc import Callable
from dataclasses import dataclass
from typing import Any

import msgspec

from harness.errors import CandidateBrokeProtocol, CandidateDied, CandidateFailure, CandidateHung, RpcError
from harness.runtime import diagnose, tree
from harness.runtime.channel import Closed, Flooded
from harness.runtime.loop import READ, WRITE, Loop, Watch
from harness.runtime.process import OTHER_TIMEOUT_S, PROTOCOL, TIMEOUT_S, Process

MAX_UNSENT_BYTES = 64 * 1024 * 1024
MAX_UNASKED = 1_000_000
DRAIN_S = 0.5

_encode = msgspec.json.Encoder().encode


@dataclass(slots=True, eq=False)
class Call:
    """One request. Over when `done_ns` is set: then exactly one of `result`, `error` (the candidate's own) and `lost` is there."""

    actor: Actor
    number: int
    method: str
    sent_ns: int
    line: bytes
    done_ns: int = 0
    result: dict[str, Any] | None = None
    error: RpcError | None = None
    lost: CandidateFailure | None = None

    @property
    def over(self) -> bool:
        """Whether a reply came or none can come any more."""
        return self.done_ns > 0

    def value(self) -> dict[str, Any]:
        """The result. Raises RpcError or a CandidateFailure if it came to that, ValueError if it is not over."""
        if self.result is not None:
            return self.result
        if self.error is not None:
            raise self.error
        if self.lost is not None:
            raise self.lost
        raise ValueError(f"the request {self.method!r} is still outstanding")


class Actor:
    """See the module. `on_notification(t_ns, message)`, `on_reply(call)` and `on_end(t_ns)` are called in the loop's thread.

    `failure` is why it is of no more use (it ended by itself, or broke the protocol), None as long as it runs or was ended by us.
    """

    def __init__(self, process: Process, loop: Loop) -> None:
        self.process = process
        self.name = process.node_id
        self.failure: CandidateFailure | None = None
        self.ended = False
        self.calls: dict[int, Call] = {}
        self.on_notification: Callable[[int, dict[str, Any]], None] | None = None
        self.on_reply: Callable[[Call], None] | None = None
        self.on_end: Callable[[int], None] | None = None
        self._loop = loop
        self._unsent = bytearray()
        self._unasked = 0
        channel = process.channel
        self._out = loop.watch(channel.stdout_fd, READ, self._readable, first=True)
        self._err = loop.watch(channel.stderr_fd, READ, self._talkative, first=True)
        self._in: Watch | None = None

    # -- requests --------------------------------------------------------------------------------------------------------------

    def send(self, method: str, params: dict[str, Any], *, now_ms: float) -> Call:
        """Sends a request and returns at once. Of a process that has ended, the call is over (`lost`) before it began."""
        number, line = self.process.encode(method, _encode({**params, "now_ms": now_ms}))
        call = Call(self, number, method, self._loop.now_ns(), line[:300])
        self.calls[number] = call
        if self.ended:
            self._lose(call)
        else:
            self.send_bytes(line)
        return call

    def send_bytes(self, raw: bytes) -> None:
        """Puts raw bytes on its stdin, now or as soon as it takes them."""
        if not self._unsent:
            try:
                raw = raw[self.process.channel.try_write(raw) :]
            except Closed:
                return  # its end is seen on its stdout
        if raw:
            self._unsent += raw
            if len(self._unsent) > MAX_UNSENT_BYTES:
                self._fail(CandidateHung(f"it stopped reading its stdin: {MAX_UNSENT_BYTES >> 20} MiB wait there"))
            elif self._in is None:
                self._in = self._loop.watch(self.process.channel.stdin_fd, WRITE, self._writable)

    def call(self, method: str, params: dict[str, Any], *, now_ms: float, timeout_s: float | None = None) -> dict[str, Any]:
        """Sends a request and runs the loop until its reply. Raises RpcError or a CandidateFailure."""
        allowed_s = timeout_s if timeout_s is not None else TIMEOUT_S.get(method, OTHER_TIMEOUT_S)
        call = self.send(method, params, now_ms=now_ms)
        if not self._loop.run_until(lambda: call.over, allowed_s):
            raise self.hung(call, allowed_s)
        return call.value()

    def hung(self, call: Call, allowed_s: float) -> CandidateHung:
        """What to say of a call that has no reply after that time."""
        waiting = tree.waits_in_read(self.process.pid)
        text = diagnose.no_reply(call.method, allowed_s, self.process.channel.partial, waiting=waiting)
        return CandidateHung(text, stderr_tail=self.stderr_tail(), request=call.line.decode("utf-8", "replace"))

    def initialize(self, params: dict[str, Any], *, now_ms: float) -> dict[str, Any]:
        """As `Process.initialize`, with the loop (and so the store's proxy) running."""
        return self.process.accept_initialize(self.call("initialize", {"protocol": PROTOCOL, **params}, now_ms=now_ms))

    # -- what comes ------------------------------------------------------------------------------------------------------------

    def _readable(self, _events: int) -> None:
        channel = self.process.channel
        try:
            channel.take_stdout()
        except Flooded as error:
            self._fail(CandidateBrokeProtocol(str(error), stderr_tail=self.process.stderr_tail()))
            return
        self._dispatch()
        if channel.at_eof and not self.ended:
            self._fail(self.process.ending(self._oldest_method(), b""))

    def _oldest_method(self) -> str:
        return next((call.method for call in self.calls.values()), "nothing")

    def _dispatch(self) -> None:
        t_ns = self._loop.now_ns()
        for raw in self.process.channel.take_lines():
            if self.failure is not None:
                return
            try:
                self._take(self.process.message_of(raw, b""), t_ns)
            except CandidateBrokeProtocol as error:
                self._fail(error)

    def _take(self, message: dict[str, Any], t_ns: int) -> None:
        bad_line = message.get("id") is None and "error" in message  # what it says of a line that was no request
        if bad_line or ("method" in message and "id" not in message):
            self._unasked += 1
            if self._unasked > MAX_UNASKED:
                raise CandidateBrokeProtocol(f"more than {MAX_UNASKED} notifications came")
            if self.on_notification is not None:
                self.on_notification(t_ns, message)
            return
        number = message.get("id")
        call = self.calls.pop(number, None) if isinstance(number, int) and not isinstance(number, bool) else None
        if call is None:
            raise CandidateBrokeProtocol(f"a reply carried id {number!r:.80}, which no outstanding request has")
        try:
            call.result = self.process.result_of(message, call.method, call.line)
        except RpcError as error:
            call.error = error
        except CandidateBrokeProtocol as error:
            call.lost = error
        call.done_ns = t_ns
        if self.on_reply is not None:
            self.on_reply(call)
        if call.lost is not None:
            self._fail(call.lost)

    def _talkative(self, _events: int) -> None:
        if not self.process.channel.take_stderr():
            self._loop.unwatch(self._err)

    def _writable(self, _events: int) -> None:
        try:
            del self._unsent[: self.process.channel.try_write(memoryview(bytes(self._unsent[: 1 << 20])))]
        except Closed:
            self._unsent.clear()
        if not self._unsent and self._in is not None:
            self._loop.unwatch(self._in)
            self._in = None

    # -- ends ------------------------------------------------------------------------------------------------------------------

    def _fail(self, failure: CandidateFailure) -> None:
        if self.failure is None and not self.ended:
            self.failure = failure
        self._end()

    def _end(self) -> None:
        if self.ended:
            return
        self.ended = True
        for watch in (self._out, self._err, self._in):
            if watch is not None:
                self._loop.unwatch(watch)
        for call in list(self.calls.values()):
            self._lose(call)
        if self.on_end is not None:
            self.on_end(self._loop.now_ns())

    def _lose(self, call: Call) -> None:
        self.calls.pop(call.number, None)
        call.lost = self.failure or CandidateDied(f"it was ended by the harness before it answered {call.method!r}")
        call.done_ns = self._loop.now_ns()
        if self.on_reply is not None:
            self.on_reply(call)

    def kill(self) -> tree.Proof:
        """SIGKILL to the whole tree, verified. Complete lines that it had written still count; a torn one does not."""
        proof = self.process.kill()
        with contextlib.suppress(Flooded):
            self.process.channel.drain(DRAIN_S)
        self._dispatch()
        self._end()
        return proof

    def stop(self) -> tree.Proof:
        """SIGSTOP to every descendant, verified."""
        return self.process.stop()

    def cont(self) -> tree.Proof:
        """SIGCONT to every descendant, verified."""
        return self.process.cont()

    def stderr_tail(self) -> str:
        """The last of what it wrote to stderr."""
        tail = self.process.stderr_tail()
        self._dispatch()  # the look may have taken in lines too
        return tail

    def close(self) -> None:
        """Leaves the loop and ends the process. May be called twice."""
        self._end()
        self.process.close()
