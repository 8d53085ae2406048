"""The operations of one processor on its SQLite file, as round trips: counted, held, delayed, failed; kills at the k-th.

SQLite has no server to stand in front of. `storeshim.c` inside the process tells of each operation before it begins and after it
has ended, and waits for leave: the reading and the writing part of a transaction and its commit, by the locks that SQLite takes.
One that ends because the next begins has no point after it. What has no
meaning there raises NotApplicable: an operation that ended has ended, its reply cannot be lost on the way.
"""

from __future__ import annotations

import itertools
import socket
from pathlib import Path
from typing import Protocol

from harness.errors import CandidateBrokeProtocol, InfraError, NotApplicable
from harness.runtime.loop import READ, Loop, Timer
from harness.runtime.proxy.counter import TripCounter
from harness.runtime.proxy.trips import Move, Point, Policy, RoundTrip, Verdict

SOCKET_NAME = "operations.sock"
KINDS = {ord("r"): "read", ord("w"): "write", ord("c"): "commit"}
BEGINS, NEXT, ENDED, REFUSED, GOT = b"bnefg"
GO_ON, FAIL = b".", b"x"
MESSAGE_BYTES = 2
MAX_PROCESSES = 300
BACKLOG = 512
LOOK_EVERY_S = 0.25

_numbers = itertools.count(1)


class FileStore(Protocol):
    """What the proxy needs to know of the store: `harness.runtime.stores.SqliteStore` fits."""

    def url(self, folder: str) -> str:
        """The URL for whoever finds the file in `folder`."""
        ...

    def lock_refused(self, backend: int) -> None:
        """That one of the processes waits for a lock."""
        ...

    def lock_taken(self, backend: int) -> None:
        """It waits no longer."""
        ...

    def lock_released(self) -> None:
        """Some lock was given back: whoever waits may get it at the next attempt."""
        ...

    def size_bytes(self) -> int:
        """What lies in the store's folder."""
        ...

    @property
    def most_bytes(self) -> int:
        """What may lie there."""
        ...


class _Told:
    """What one process tells: a socket, and at most one operation."""

    def __init__(self, owner: OperationProxy, loop: Loop, sock: socket.socket, number: int) -> None:
        sock.setblocking(False)
        self.number, self.live = number, True
        self.trip: RoundTrip | None = None
        self._owner, self._loop, self._sock = owner, loop, sock
        self._rest = b""
        self._timer: Timer | None = None
        self._watch = loop.watch(sock.fileno(), READ, self._ready)

    def _ready(self, _events: int) -> None:
        try:
            data = self._sock.recv(4096)
        except BlockingIOError:
            return
        except OSError:
            data = b""
        if not data:
            self.close()
            return
        data = self._rest + data
        whole = len(data) // MESSAGE_BYTES * MESSAGE_BYTES
        self._rest = data[whole:]
        for at in range(0, whole, MESSAGE_BYTES):
            if self.live:
                self._take(data[at], data[at + 1])

    def _take(self, what: int, kind: int) -> None:
        if kind not in KINDS or what not in (BEGINS, NEXT, ENDED, REFUSED, GOT):
            self._owner.complain("something wrote to the socket on which its operations are told; that was closed")
            self.close()
        elif what == BEGINS:
            self._begin(KINDS[kind])
        elif what == ENDED:
            self._end()
        elif what == NEXT:
            self._went_on()
        else:
            self._owner.waits(self.number, refused=what == REFUSED)

    def _begin(self, kind: str) -> None:
        self._finish("given up")  # its lock was refused, and it did not wait for it
        self.trip = trip = self._owner.begun(self, kind)
        self._judge(trip, Point.BEFORE)

    def _end(self) -> None:
        self._owner.gave_back(self.number)
        trip = self.trip
        if trip is None:
            self._answer(GO_ON)
            return
        trip.answered_ns = self._loop.now_ns()
        self._judge(trip, Point.AFTER)

    def _went_on(self) -> None:
        """No reply to anybody, so nothing to be held: the process has its locks, and asks for leave for the next part."""
        if self.trip is not None:
            self.trip.answered_ns = self._loop.now_ns()
        self._finish("went on")

    def _judge(self, trip: RoundTrip, point: Point) -> None:
        trip.held, trip._go_on = point, self._go_on
        verdict = self._owner.decide(trip, point)
        if trip.held is point and not trip.over:  # the policy may have killed or released it by itself
            self._go_on(verdict)

    def _go_on(self, verdict: Verdict) -> None:
        trip = self.trip
        if trip is None or trip.held is None or verdict.move is Move.HOLD:
            return
        self._stop_timer()
        if verdict.move is Move.DELAY:
            self._timer = self._loop.call_later(verdict.delay_s, lambda: self._go_on(Verdict(Move.PASS)))
            return
        point, trip.held = trip.held, None
        if point is Point.BEFORE:
            self._permit(trip, fail=verdict.move is Move.CUT)
        elif verdict.move is Move.CUT:
            raise NotApplicable("not applicable to SQLite: an operation that ended has ended, and there is no reply to be lost")
        else:
            self._finish("delivered")
            self._answer(GO_ON)

    def _permit(self, trip: RoundTrip, *, fail: bool) -> None:
        if fail:
            trip.notes.append("failed with EIO")
            self._finish("cut before")
            self._answer(FAIL)
        else:
            trip.forwarded_ns = self._loop.now_ns()
            self._answer(GO_ON)

    def _answer(self, answer: bytes) -> None:
        try:
            self._sock.send(answer)
        except OSError:  # it is gone, which its end of the socket will say
            return

    def _finish(self, fate: str) -> None:
        trip, self.trip = self.trip, None
        self._stop_timer()
        if trip is not None:
            trip.fate, trip.held, trip._go_on = fate, None, None
            trip.ended_ns = self._loop.now_ns()
            self._owner.ended(trip)

    def _stop_timer(self) -> None:
        if self._timer is not None:
            self._timer.cancel()
            self._timer = None

    def close(self) -> None:
        """The process is gone, or is told nothing more: whoever waits there for leave has it."""
        if not self.live:
            return
        self.live = False
        held = self.trip.held if self.trip is not None else None
        self._finish("lost" if held is None else f"cut {held.value}")
        self._loop.unwatch(self._watch)
        self._sock.close()
        self._owner.gone(self)


class OperationProxy(TripCounter):
    """See the module, and `TripCounter`. Its folder holds the socket on which the processor's processes tell."""

    def __init__(self, loop: Loop, processor: str, store: FileStore, *, policy: Policy | None = None) -> None:
        super().__init__(loop, processor, policy)
        self._store = store
        self._processes: dict[_Told, None] = {}
        self._closed = False
        self._listener = socket.socket(socket.AF_UNIX, socket.SOCK_STREAM)
        try:
            self._listener.bind(str(self.socket_path))
            self._listener.listen(BACKLOG)
        except OSError as error:
            self._listener.close()
            self._remove_folder()
            raise InfraError(f"nobody could listen at {self.socket_path}: {error}") from error
        self._listener.setblocking(False)
        self._watch = loop.watch(self._listener.fileno(), READ, self._accept)
        self._look: Timer = loop.call_later(LOOK_EVERY_S, self._measure)

    @property
    def socket_path(self) -> Path:
        """See `TripCounter`: where its processes tell."""
        return self.folder / SOCKET_NAME

    def url(self, inside: str) -> str:
        """See `TripCounter`."""
        return self._store.url(inside)

    def blind(self) -> str | None:
        """See `TripCounter`."""
        if self.made or self._store.size_bytes() == 0:
            return None
        return (
            "its operations on the SQLite file cannot be seen: it does not lock the file by the C library's fcntl "
            "(a static binary, or a library of its own)"
        )

    # -- state -----------------------------------------------------------------------------------------------------------------

    @property
    def open(self) -> int:
        """See `TripCounter`: how many processes tell."""
        return len(self._processes)

    def under_way(self) -> list[RoundTrip]:
        """See `TripCounter`."""
        return sorted((told.trip for told in self._processes if told.trip is not None), key=lambda trip: trip.t_ns)

    def cut_all(self) -> int:
        """See `TripCounter`: whoever is held goes on, if he still lives, and tells nothing more by this socket."""
        victims = list(self._processes)
        for told in victims:
            told.close()
        return len(victims)

    def close(self) -> None:
        """See `TripCounter`."""
        if self._closed:
            return
        self._closed = True
        self._look.cancel()
        self.cut_all()
        self._loop.unwatch(self._watch)
        self._listener.close()
        self._remove_folder()

    # -- called by the loop and by what processes tell ---------------------------------------------------------------------------

    def _accept(self, _events: int) -> None:
        try:
            sock, _address = self._listener.accept()
        except OSError:
            return
        if len(self._processes) >= MAX_PROCESSES:
            self.refused += 1
            sock.close()
            return
        self.made += 1
        self._processes[_Told(self, self._loop, sock, next(_numbers))] = None

    def _measure(self) -> None:
        """What fills the disk is ended: the folder is the one place in which a candidate can write as much as it likes."""
        self._look = self._loop.call_later(LOOK_EVERY_S, self._measure)
        if self._store.size_bytes() > self._store.most_bytes:
            raise CandidateBrokeProtocol(
                f"the folder of its SQLite file holds more than {self._store.most_bytes >> 20} MiB, which is all that it may"
            )

    def begun(self, told: _Told, kind: str) -> RoundTrip:
        """An operation begins."""
        trip = self._count(told.number, kind, backend=told.number)
        # Who may write decides by himself when to commit: nobody else could go between, and many would wait for his lock.
        trip.goes_on = kind == "commit"
        trip.inside = kind != "read"
        return trip

    def waits(self, number: int, *, refused: bool) -> None:
        """A lock was refused to a process, or it has it now."""
        if refused:
            self._store.lock_refused(number)
        else:
            self._store.lock_taken(number)

    def gave_back(self, number: int) -> None:
        """A process gave its locks back."""
        self._store.lock_taken(number)
        self._store.lock_released()

    def ended(self, trip: RoundTrip) -> None:
        """An operation's fate is known."""
        if self.on_end is not None:
            self.on_end(trip)

    def gone(self, told: _Told) -> None:
        """A process is gone, and its locks with it."""
        self._processes.pop(told, None)
        self.gave_back(told.number)
