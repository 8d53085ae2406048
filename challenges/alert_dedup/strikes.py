"""Faults that are not the owner's death, at a crash point of its offer: a connection cut, the owner stopped, the store killed.

As with `crashes.crash`: a fresh run, the fault with its proof, and another try where the round trips were not those of the calibration.
"""

from __future__ import annotations

from collections.abc import Callable, Iterable
from dataclasses import dataclass

from challenges.alert_dedup.courses import FINGERPRINT
from challenges.alert_dedup.crashes import EVENT, OWNER, SECOND, TRIES, WINDOW, Calibration, CrashPoint, shape
from challenges.alert_dedup.failing import begin_to_fail, fail_no_more, has_server, usual
from challenges.alert_dedup.field import Field, Offer
from challenges.alert_dedup.history import STORE, STORE_FAILS
from challenges.alert_dedup.view import MS
from harness.errors import InfraError
from harness.runtime.process import OTHER_TIMEOUT_S
from harness.runtime.proxy import CUT, Fired, RoundTrip, Verdict, resume
from harness.runtime.tree import Proof
from harness.runtime.trial import Undecided

Plan = Callable[[Field, CrashPoint], object]


def strike(field: Field, where: CrashPoint, calibration: Calibration, plan: Plan, fresh: Iterable[str] = (OWNER,)) -> Offer:
    """A fresh run in which the planned fault hits that point of the owner's offer; returns as soon as it has.

    From then on a tick may be answered with an error. Raises Undecided if the point is not reached, or the fault not proven.
    """
    expected = list(calibration.shapes[: where.k])
    renewed = list(fresh)
    for _ in range(TRIES):
        field.begin(fresh=renewed)
        field.cluster.ticks_may_fail = True
        node, proxy = field.cluster.nodes[OWNER], field.proxy(OWNER)
        plan(field, where)
        proxy.open_window(WINDOW)
        offer = field.offer(OWNER, FINGERPRINT, event_id=EVENT)
        faults = node.faults
        field.cluster.run_until(lambda: bool(faults.fired) or offer.over, OTHER_TIMEOUT_S)  # noqa: B023 - used at once
        if not faults.fired:
            field.quiet()  # a round trip after the reply
        seen = [shape(trip) for trip in proxy.of_window(WINDOW)[: where.k]]
        if faults.fired and _took(faults.fired[0]) and seen == expected:
            return offer
        restore(field)
    raise Undecided(f"the crash point {where.name} ({where.text[:80]}) was not reached in {TRIES} runs")


def _took(fired: Fired) -> bool:
    """Proven, and the round trip is in the state that the fault puts it into."""
    held = fired.name == "pause"
    return fired.status == "installed" and (fired.trip.held is not None if held else fired.trip.fate.startswith("cut"))


def restore(field: Field) -> None:
    """Nobody is stopped any more, and the store runs and fails no more: before a run that is played again."""
    usual(field)
    for node in field.cluster.nodes.values():
        if node.paused:
            field.cluster.kill_quietly(node)
    store = field.cluster.store
    if store is not None and not store.running():
        store.start()


def recovered(field: Field, procs: Iterable[str]) -> None:
    """What follows when no fault excuses a refusal any more: another alert at each of these, and the next window of the first one.

    That window is not asked for where it is late already: whoever suppresses for too long is DD-11's affair.
    """
    for proc in procs:
        field.wait(field.offer(proc, f"{FINGERPRINT}/afterwards"))
    window_ms, grace_ms = field.rules.window_ns / MS, field.rules.skew_ns / MS
    field.pass_until_ms(window_ms + 0.25 * grace_ms)
    if field.now_ms < window_ms + 0.75 * grace_ms:
        for proc in (OWNER, SECOND):
            field.wait(field.offer(proc, FINGERPRINT))


# -- what can be planned -----------------------------------------------------------------------------------------------------------


def cut(field: Field, where: CrashPoint) -> None:
    """The owner's connection is reset: before the request leaves, or after the store has answered, and the reply is dropped.

    Over SQLite its operation fails.
    """
    faults = field.cluster.nodes[OWNER].faults
    if has_server(field):
        faults.reset(where.k, where.point, window=WINDOW)
    else:
        faults.fail(where.k, window=WINDOW)


def stop(field: Field, where: CrashPoint) -> None:
    """The owner is stopped, and the round trip held."""
    field.cluster.nodes[OWNER].faults.pause(Sleeper(field, OWNER), where.k, where.point, window=WINDOW)


def kill_store(field: Field, where: CrashPoint) -> None:
    """The store is killed: the request never reaches it, or its reply reaches nobody. Over SQLite all fails from that operation on."""
    faults = field.cluster.nodes[OWNER].faults
    if has_server(field):
        faults.kill(StoreVictim(field), where.k, where.point, window=WINDOW)
        return

    def fail(_trip: RoundTrip) -> Verdict:
        begin_to_fail(field)
        return CUT

    faults.call(STORE_FAILS, fail, where.k, where.point, window=WINDOW)


@dataclass(frozen=True, slots=True)
class Sleeper:
    """A processor that is stopped and continued; both are taken down with their proof."""

    field: Field
    proc: str

    def stop(self) -> Proof:
        """SIGSTOP to every descendant, verified."""
        node = self.field.cluster.nodes[self.proc]
        proof = node.live.stop()
        node.paused = True
        self._tell("pause", proof)
        self.field.note(self.proc, "down")
        return proof

    def cont(self) -> Proof:
        """SIGCONT to every descendant, verified."""
        node = self.field.cluster.nodes[self.proc]
        self.field.note(self.proc, "up")
        proof = node.live.cont()
        node.paused = False
        self._tell("resume", proof)
        return proof

    def _tell(self, fault: str, proof: Proof) -> None:
        status = "installed" if proof.took else "indeterminate"
        self.field.note_fault(self.proc, fault, status=status, evidence=told(proof))


def wake(field: Field) -> None:
    """Continues the owner that was stopped, and lets its round trip go on."""
    resume(Sleeper(field, OWNER), field.cluster.nodes[OWNER].faults.fired[0])


@dataclass(frozen=True, slots=True)
class StoreVictim:
    """The store, as the proxy's faults see it: killed, and down until `start_store`."""

    field: Field

    def kill(self) -> Proof:
        """SIGKILL to the server and all its processes, verified, and taken down."""
        store = self.field.cluster.store
        if store is None:
            raise InfraError("a store was to be killed where there is none")
        proof = store.kill()
        status = "installed" if proof.took else "indeterminate"
        self.field.note_fault(STORE, "kill", status=status, evidence=told(proof))
        self.field.note(STORE, "down")
        return proof


def start_store(field: Field) -> None:
    """The store that was killed runs again, on its own data, when this returns."""
    store = field.cluster.store
    if store is None:
        raise InfraError("a store was to be started where there is none")
    store.start()
    field.note(STORE, "up")


def take_store(field: Field) -> None:
    """The store is gone, by the means that its kind allows, until `give_store`."""
    if has_server(field):
        StoreVictim(field).kill()
    else:
        begin_to_fail(field)


def give_store(field: Field) -> None:
    """It is back, with what it had. Raises Undecided where nobody missed it."""
    if has_server(field):
        start_store(field)
    else:
        fail_no_more(field)


def told(proof: Proof) -> dict[str, object]:
    """A proof as plain values for the history."""
    states = {str(pid): state for pid, state in proof.states.items()}
    return {"signal": proof.signal, "states": states, "took_ms": round(proof.took_ms, 3)}
