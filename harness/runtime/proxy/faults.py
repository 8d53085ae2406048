"""Faults at the k-th round trip: planned before, fired by the proxy, recorded with evidence.

`Faults` is a policy. Each planned fault fires at most once, at its k and point within a window. What it did is in `fired`, with its
status: `installed` (seen to have taken), `indeterminate` (done, the proof is lacking); those never reached are in `skipped()`.
"""

from __future__ import annotations

from collections.abc import Callable
from dataclasses import dataclass, field
from typing import Any, Protocol

from harness.runtime.loop import Loop
from harness.runtime.proxy.trips import CUT, HOLD, PASS, Point, RoundTrip, Verdict, delay
from harness.runtime.tree import Proof


class Killable(Protocol):
    """What can be killed: an `Actor` (or `Process`), and a `Store` too."""

    def kill(self) -> Proof:
        """SIGKILL to the whole tree, verified."""
        ...


class Pausable(Protocol):
    """What can be stopped and continued: an `Actor` (or `Process`)."""

    def stop(self) -> Proof:
        """SIGSTOP to the whole tree, verified."""
        ...

    def cont(self) -> Proof:
        """SIGCONT to the whole tree, verified."""
        ...


@dataclass(slots=True, eq=False)
class Fault:
    """One planned fault. `act` does it and says what becomes of the round trip, and what proves it."""

    name: str
    k: int
    point: Point
    act: Callable[[RoundTrip], tuple[Verdict, str, dict[str, Any]]]
    window: str | None = None
    fired: bool = False


@dataclass(slots=True, eq=False)
class Fired:
    """A fault that was reached. `evidence`: plain values."""

    name: str
    processor: str
    k: int
    point: Point
    t_ns: int
    status: str
    trip: RoundTrip
    evidence: dict[str, Any] = field(default_factory=dict)

    def row(self) -> dict[str, Any]:
        """Plain values for the history."""
        return {
            "fault": self.name,
            "proc": self.processor,
            "k": self.k,
            "point": self.point.value,
            "t_ns": self.t_ns,
            "status": self.status,
            "text": self.trip.text,
            "evidence": self.evidence,
        }


def _shown(proof: Proof) -> tuple[str, dict[str, Any]]:
    states = {str(pid): state for pid, state in proof.states.items()}
    facts = {"signal": proof.signal, "states": states, "took_ms": round(proof.took_ms, 3)}
    return ("installed" if proof.took else "indeterminate"), facts


class Faults:
    """See the module. One for each proxy (`proxy.policy = faults`), or before a gate (`in_turn(faults, gate)`)."""

    def __init__(self, loop: Loop) -> None:
        self._loop = loop
        self.planned: list[Fault] = []
        self.fired: list[Fired] = []
        self.on_fire: Callable[[Fired], None] | None = None

    def __call__(self, trip: RoundTrip, point: Point) -> Verdict:
        """The policy (see `trips.Policy`)."""
        for fault in self.planned:
            if fault.k == trip.k and fault.point is point and not fault.fired and fault.window in (None, trip.window):
                return self._fire(fault, trip)
        return PASS

    def _fire(self, fault: Fault, trip: RoundTrip) -> Verdict:
        fault.fired = True
        t_ns = self._loop.now_ns()
        verdict, status, evidence = fault.act(trip)
        trip.notes.append(f"{fault.name} {fault.point.value}")
        record = Fired(fault.name, trip.processor, trip.k, fault.point, t_ns, status, trip, evidence)
        self.fired.append(record)
        if self.on_fire is not None:
            self.on_fire(record)
        return verdict

    def skipped(self) -> list[Fault]:
        """Planned faults whose round trip never came."""
        return [fault for fault in self.planned if not fault.fired]

    def clear(self) -> None:
        """Forgets what is planned and what fired."""
        self.planned, self.fired = [], []

    # -- what can be planned -----------------------------------------------------------------------------------------------------

    def kill(self, target: Killable, k: int, point: Point, *, window: str | None = None) -> Fault:
        """SIGKILL: before, the request never leaves; after, the store has done its part and the reply reaches nobody."""

        def act(_trip: RoundTrip) -> tuple[Verdict, str, dict[str, Any]]:
            return CUT, *_shown(target.kill())

        return self._plan("kill", k, point, act, window)

    def pause(self, target: Pausable, k: int, point: Point, *, window: str | None = None) -> Fault:
        """SIGSTOP, and the round trip is held; `resume` undoes both."""

        def act(_trip: RoundTrip) -> tuple[Verdict, str, dict[str, Any]]:
            return HOLD, *_shown(target.stop())

        return self._plan("pause", k, point, act, window)

    def reset(self, k: int, point: Point, *, window: str | None = None) -> Fault:
        """The connection is closed on both sides; after: the reply is dropped with it."""

        def act(trip: RoundTrip) -> tuple[Verdict, str, dict[str, Any]]:
            return CUT, "installed", {"connection": trip.connection, "store_had_answered": trip.answered_ns > 0}

        return self._plan("reset" if point is Point.BEFORE else "drop the reply and reset", k, point, act, window)

    def fail(self, k: int, *, window: str | None = None) -> Fault:
        """Over SQLite: the operation fails with an I/O error before it begins."""

        def act(trip: RoundTrip) -> tuple[Verdict, str, dict[str, Any]]:
            return CUT, "installed", {"operation": trip.kind, "error": "EIO"}

        return self._plan("operation fails", k, Point.BEFORE, act, window)

    def delay(self, delay_ms: float, k: int, point: Point, *, window: str | None = None) -> Fault:
        """The request, or the reply, is held for that long (real time)."""

        def act(_trip: RoundTrip) -> tuple[Verdict, str, dict[str, Any]]:
            return delay(delay_ms / 1000), "installed", {"delay_ms": delay_ms}

        return self._plan(f"delay {delay_ms:g} ms", k, point, act, window)

    def call(
        self, name: str, action: Callable[[RoundTrip], Verdict], k: int, point: Point, *, window: str | None = None
    ) -> Fault:
        """Anything else: `action` does it and gives the verdict."""

        def act(trip: RoundTrip) -> tuple[Verdict, str, dict[str, Any]]:
            return action(trip), "installed", {}

        return self._plan(name, k, point, act, window)

    def _plan(
        self,
        name: str,
        k: int,
        point: Point,
        act: Callable[[RoundTrip], tuple[Verdict, str, dict[str, Any]]],
        window: str | None,
    ) -> Fault:
        if k < 1:
            raise ValueError(f"round trips are counted from 1; k was {k}")
        fault = Fault(name, k, point, act, window)
        self.planned.append(fault)
        return fault


def resume(target: Pausable, fired: Fired) -> Fired:
    """Continues a paused process, then lets its round trip go on; the record of it, with evidence."""
    status, evidence = _shown(target.cont())
    t_ns = Loop.now_ns()
    fired.trip.release()
    return Fired("resume", fired.processor, fired.k, fired.point, t_ns, status, fired.trip, evidence)


def every_reply_late(delay_ms: float) -> Callable[[RoundTrip, Point], Verdict]:
    """The policy under which each reply of the store comes that much later (real time)."""
    verdict = delay(delay_ms / 1000)
    return lambda _trip, point: verdict if point is Point.AFTER else PASS
