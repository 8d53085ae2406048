"""The load generator: sends a plan's requests when they are due, whatever the answers do (open loop).

A candidate that pipelines is sent each request at its time. One that does not has at most one outstanding; what has fallen due
meanwhile waits here, and its latency counts from when it was due all the same. Times are taken around what a client would do:
from before the line is made to after the reply is read.
"""

from __future__ import annotations

import os
import select
import time
from collections.abc import Callable, Iterator, Sequence
from contextlib import contextmanager, suppress
from dataclasses import dataclass
from typing import Any

import numpy as np

from harness.errors import CandidateBrokeProtocol, CandidateHung, RpcError
from harness.measure.sample import ANSWERED, REFUSED, UNANSWERED, UNSENT, Fates, Sample
from harness.measure.statistics import Ints
from harness.runtime.channel import Closed, Flooded, TimedOut
from harness.runtime.process import OTHER_TIMEOUT_S, Process

LEAD_NS = 20_000_000
"""From the call to the first moment of the plan."""
GRACE_S = 2.0
"""How long after its last intended start a stretch goes on, if it is behind."""
_SPIN_NS = 150_000  # a sleeper is woken late by some tens of us: the rest is waited out awake
_MOST_NOTIFICATIONS = 200_000
_SHOWN_CHARS = 200

now_ns = time.monotonic_ns


@dataclass(frozen=True, slots=True)
class Request:
    """One request of a plan: params as JSON with `now_ms`. `serves` says whether a result does what was asked."""

    method: str
    params: bytes
    serves: Callable[[dict[str, Any]], bool]


@contextmanager
def sender_alone() -> Iterator[frozenset[int]]:
    """This thread on a core of its own from now on, where there are two; yields the cores that are left for all others.

    What is to be measured is started under `on_cores` of those.
    """
    allowed = os.sched_getaffinity(0)
    others = frozenset(allowed - {min(allowed)}) if len(allowed) > 1 else frozenset(allowed)
    os.sched_setaffinity(0, {min(allowed)})
    try:
        yield others
    finally:
        os.sched_setaffinity(0, allowed)


@contextmanager
def on_cores(cores: frozenset[int]) -> Iterator[None]:
    """Processes that are started inside run on those cores."""
    before = os.sched_getaffinity(0)
    os.sched_setaffinity(0, cores)
    try:
        yield
    finally:
        os.sched_setaffinity(0, before)


def drive(
    process: Process,
    due_ns: Ints,
    requests: Sequence[Request],
    *,
    grace_s: float = GRACE_S,
    begin: Callable[[], object] = lambda: None,
) -> Sample:
    """Sends `requests[i]` at `due_ns[i]` (in order, from the beginning of the stretch), and says what became of each.

    `begin` is called at the first moment of the plan. Raises CandidateFailure if the candidate dies, hangs or breaks the protocol.
    """
    if len(due_ns) != len(requests):
        raise ValueError(f"{len(requests)} requests for {len(due_ns)} moments")
    stretch = _Pipelined if "pipelining" in process.capabilities else _InTurn
    return stretch(process, due_ns, requests, grace_s).run(begin)


class _Stretch:
    """What both ways of sending share: the arrays, and the clock."""

    def __init__(self, process: Process, due_ns: Ints, requests: Sequence[Request], grace_s: float) -> None:
        self.process = process
        self.due_ns = due_ns
        self.requests = requests
        self.sent = [-1] * len(due_ns)
        self.replied = [-1] * len(due_ns)
        self.fate: Fates = np.full(len(due_ns), UNSENT, np.uint8)
        self.refusal = ""
        self.start_ns = now_ns() + LEAD_NS
        last_ns = int(due_ns[-1]) if len(due_ns) else 0
        self.end_ns = self.start_ns + last_ns + round(grace_s * 1e9)
        self.due = (due_ns + self.start_ns).tolist()

    def run(self, begin: Callable[[], object]) -> Sample:
        sleep_until(self.start_ns)
        begin()
        self.go()
        sent, replied = np.array(self.sent, np.int64), np.array(self.replied, np.int64)
        sent[sent >= 0] -= self.start_ns
        replied[replied >= 0] -= self.start_ns
        return Sample(self.due_ns, sent, replied, self.fate, isinstance(self, _Pipelined), self.refusal)

    def go(self) -> None:
        raise NotImplementedError

    def heard(self, i: int, result: dict[str, Any]) -> None:
        """Request `i` has a result."""
        if self.requests[i].serves(result):
            self.fate[i] = ANSWERED
        else:
            self.refused(i, repr(result))

    def refused(self, i: int, why: str) -> None:
        """Request `i` was answered, but not served."""
        self.fate[i] = REFUSED
        if not self.refusal:  # both ends: a wrapped error says what went wrong last
            self.refusal = why if len(why) <= _SHOWN_CHARS else f"{why[: _SHOWN_CHARS // 2]} ... {why[-_SHOWN_CHARS // 2 :]}"


class _InTurn(_Stretch):
    """One outstanding."""

    def go(self) -> None:
        ask, sent, replied = self.process.request_raw, self.sent, self.replied
        for i, request in enumerate(self.requests):
            sleep_until(self.due[i])
            if now_ns() > self.end_ns:
                return
            sent[i] = now_ns()
            try:
                result = ask(request.method, request.params)
                replied[i] = now_ns()
                self.heard(i, result)
            except RpcError as error:
                replied[i] = now_ns()
                self.refused(i, str(error))


class _Pipelined(_Stretch):
    """Each at its time; replies in any order."""

    def go(self) -> None:
        self.open: dict[int, int] = {}
        upcoming, count = 0, len(self.due)
        while (upcoming < count or self.open) and (now := now_ns()) < self.end_ns:
            if upcoming < count and now >= self.due[upcoming]:
                self._send(upcoming, now)
                upcoming += 1
            else:
                self._hear(self.due[upcoming] if upcoming < count else self.end_ns)
        for i in self.open.values():
            self.fate[i] = UNANSWERED
        if self.open and now_ns() >= self.end_ns:
            self._drain()

    def _send(self, i: int, now: int) -> None:
        request = self.requests[i]
        number, line = self.process.encode(request.method, request.params)
        self.sent[i], self.open[number] = now, i
        try:
            self.process.channel.write(line, time.monotonic() + OTHER_TIMEOUT_S)
        except TimedOut as error:
            raise CandidateHung("it stopped reading its stdin while requests were sent to it") from error
        except Closed as error:
            raise self.process.ending(request.method, line) from error

    def _hear(self, until_ns: int) -> None:
        """Takes in replies that are there, or waits for one until then."""
        channel = self.process.channel
        if not channel.has_line():
            left_ns = until_ns - now_ns() - _SPIN_NS
            if left_ns > 0:
                with suppress(ValueError):
                    select.select([channel.stdout_fd, channel.stderr_fd], [], [], left_ns / 1e9)
            self._pump()
        for raw in channel.take_lines():
            self._take(raw, now_ns())

    def _pump(self) -> None:
        try:
            self.process.channel.pump(0)
        except Flooded as error:
            raise CandidateBrokeProtocol(str(error)) from error
        if self.process.channel.at_eof and not self.process.channel.has_line():
            raise self.process.ending("requests", b"")

    def _take(self, raw: bytes, now: int) -> None:
        message = self.process.message_of(raw, b"")
        if "method" in message and "id" not in message:
            if len(self.process.notifications) < _MOST_NOTIFICATIONS:
                self.process.notifications.append(message)
            return
        number = message.get("id")
        i = self.open.pop(number, None) if isinstance(number, int) else None
        if i is None:
            raise CandidateBrokeProtocol(f"a reply carried id {number!r:.60}, which no outstanding request has")
        request = self.requests[i]
        self.replied[i] = now
        try:
            self.heard(i, self.process.result_of(message, request.method, b""))
        except RpcError as error:
            self.refused(i, str(error))

    def _drain(self) -> None:
        """Waits for what is still to be answered, so that it is not taken for an answer to the next stretch."""
        deadline_ns = now_ns() + round(OTHER_TIMEOUT_S * 1e9)
        while self.open and now_ns() < deadline_ns:
            channel = self.process.channel
            if not channel.has_line():
                select.select([channel.stdout_fd], [], [], 0.05)
                self._pump()
            for raw in channel.take_lines():
                message = self.process.message_of(raw, b"")
                self.open.pop(message.get("id"), None)  # type: ignore[arg-type] # an id of another type is none of ours
        if self.open:
            raise CandidateHung(f"{len(self.open)} requests had no reply within {OTHER_TIMEOUT_S:g} s after the stretch")


def sleep_until(moment_ns: int) -> None:
    """Waits, the last of it awake where this thread has a core to itself."""
    spin_ns = _SPIN_NS if (os.cpu_count() or 1) > 1 else 0
    while (left_ns := moment_ns - now_ns()) > 0:
        if left_ns > spin_ns:
            time.sleep((left_ns - spin_ns) / 1e9)
