"""Checks any program against the protocol in seconds: one check, one sentence. Knows no challenge: samples come as data."""

from __future__ import annotations

import contextlib
import functools
import time
from collections.abc import Callable, Iterator
from dataclasses import dataclass, field
from pathlib import Path
from typing import Any

from harness.errors import CandidateFailure, RpcError, Undecided
from harness.runtime.clock import ClockPage, shim_path, shim_unavailable
from harness.runtime.process import EXIT_PATIENCE_S, Process
from harness.runtime.sandbox import Launch, Mount, Sandbox
from harness.runtime.stores import Store
from harness.runtime.trial import PROBE_SHIFT_MS, check_probe
from harness.runtime.wiring import Wirer, Wiring

EPOCH_MS = 1_704_067_200_000
BAD_LINE_PATIENCE_S = 0.5
UNKNOWN_METHOD = "no_such_method"


@dataclass(frozen=True, slots=True)
class Exchange:
    """A sample request of a challenge, and what its reply must hold: these keys, or this error code."""

    method: str
    params: dict[str, Any]
    keys: tuple[str, ...] = ()
    error: int | None = None


@dataclass(frozen=True, slots=True)
class Check:
    """One check's end: `problem` is '' where it holds."""

    name: str
    problem: str = ""


@dataclass(slots=True)
class Session:
    """How the program under check is started; `trace` is told each line. `store` runs already, where one is wanted."""

    sandbox: Sandbox
    argv: tuple[str, ...]
    cwd: Path
    scratch: Path
    challenge: str = "anomaly-detection"
    virtual: bool = False
    config: dict[str, Any] = field(default_factory=dict)
    store: Store | None = None
    trace: Callable[[str, bytes], None] | None = None

    @contextlib.contextmanager
    def start(self) -> Iterator[Process]:
        """A fresh process that has been sent nothing yet."""
        mounts, env, page = {"checkout": Mount(self.cwd, "/candidate")}, {}, None
        if self.store is not None:
            mounts |= self._wired(self.store).mounts
        if not self.virtual and shim_unavailable() is None:
            page = ClockPage(self.scratch / "clock")
            page.hold_ms(EPOCH_MS)
            mounts |= {
                "clock": Mount(self.scratch / "clock", "/clock"),
                "shim": Mount(shim_path().parent, "/shim"),
            }
            env = {"LD_PRELOAD": "{shim}/clockshim.so", "HARNESS_CLOCK_PAGE": "{clock}/offset"}
        with Process(self.sandbox.spawn(Launch(self.argv, mounts, env=env)), page) as process:
            process.on_line = self.trace
            yield process

    def initialize(self, process: Process) -> dict[str, Any]:
        """Sends `initialize`, with a `now_ms` that differs from the process's clock where that can be moved."""
        now_ms = EPOCH_MS if self.virtual else EPOCH_MS + PROBE_SHIFT_MS
        params = {
            "challenge": self.challenge,
            "node": {"id": "p0", "peers": []},
            "clock": "virtual" if self.virtual else "wall",
        }
        more = {"seed": 1, "config": self.config, "store": self._store_params()}
        return process.initialize({**params, **more}, now_ms=now_ms)

    def _wired(self, store: Store) -> Wiring:
        return Wirer(self.sandbox).wire(store)

    def _store_params(self) -> dict[str, Any] | None:
        if self.store is None:
            return None
        return {"kind": self.store.kind, "url": self._wired(self.store).url, "prefix": "conform_"}


def run(session: Session, samples: list[Exchange]) -> Iterator[Check]:
    """Every check in order; the first failure of the handshake ends the run, since nothing after it would mean anything."""
    with session.start() as process:
        handshake = _attempt(
            "initialize answers with name, language, capabilities, declared, now_ms",
            lambda: session.initialize(process),
        )
        yield handshake
        if handshake.problem:
            return
        yield _attempt("now_ms is the process's own clock", lambda: _own_clock(session, process))
        yield _attempt("tick is answered", lambda: process.request("tick", {}, now_ms=EPOCH_MS + 1000))
        yield _attempt(
            "an unknown method is answered with -32601",
            lambda: _expect_error(process, UNKNOWN_METHOD, {}, -32601),
        )
        for number, sample in enumerate(samples, 1):
            yield _attempt(f"{sample.method}, sample {number}", functools.partial(_exchange, process, sample))
        yield _attempt(
            "a line that is not JSON gets -32700 or silence, and the process goes on",
            lambda: _bad_line(process),
        )
        yield _attempt("shutdown is answered, then exit 0 within 2 s", lambda: _shutdown(process))
    with session.start() as process:
        yield _attempt("the end of stdin ends the process within 2 s", lambda: _end_of_input(session, process))


def _attempt(name: str, check: Callable[[], object]) -> Check:
    try:
        check()
    except CandidateFailure as error:
        tail = error.stderr_tail.strip()[-600:]
        return Check(name, str(error) + (f"\n  stderr ended with: {tail}" if tail else ""))
    except (RpcError, Undecided) as error:
        return Check(name, str(error))
    return Check(name)


def _own_clock(session: Session, process: Process) -> None:
    if session.virtual or not process.has_clock:
        return
    answered_ms = float(process.initialized["now_ms"])
    check_probe(answered_ms, EPOCH_MS + PROBE_SHIFT_MS, EPOCH_MS, process.wall_ms())


def _expect_error(process: Process, method: str, params: dict[str, Any], code: int) -> None:
    try:
        process.request(method, params, now_ms=EPOCH_MS)
    except RpcError as error:
        if error.code != code:
            raise CandidateFailure(f"{method!r} should be answered with error {code}; it was {error.code}") from error
        return
    raise CandidateFailure(f"{method!r} should be answered with error {code}; it was answered with a result")


def _exchange(process: Process, sample: Exchange) -> None:
    if sample.error is not None:
        _expect_error(process, sample.method, sample.params, sample.error)
        return
    result = process.request(sample.method, sample.params, now_ms=EPOCH_MS)
    missing = [key for key in sample.keys if key not in result]
    if missing:
        raise CandidateFailure(f"the result of {sample.method!r} lacks {', '.join(missing)}; it had {sorted(result)}")


def _bad_line(process: Process) -> None:
    process.send_bytes(b"this is not JSON\n")
    reply = process.read_reply(BAD_LINE_PATIENCE_S)
    if reply is not None and (reply.get("id") is not None or (reply.get("error") or {}).get("code") not in {-32700, -32600}):
        raise CandidateFailure(
            f"a line that is not JSON was answered with {reply!r:.200}; -32700 with id null, or silence, was expected"
        )
    process.request("tick", {}, now_ms=EPOCH_MS + 2000)


def _shutdown(process: Process) -> None:
    process.request("shutdown", {}, now_ms=EPOCH_MS + 3000)
    started = time.monotonic()
    status = process.wait(EXIT_PATIENCE_S)
    if status is None:
        raise CandidateFailure(f"it still ran {time.monotonic() - started:.1f} s after the reply to 'shutdown'")
    if status != 0:
        raise CandidateFailure(
            f"it exited with status {status} after 'shutdown', where 0 was expected",
            stderr_tail=process.stderr_tail(),
        )


def _end_of_input(session: Session, process: Process) -> None:
    session.initialize(process)
    if process.finish() is None:
        raise CandidateFailure("it still ran 2 s after the end of its stdin")
