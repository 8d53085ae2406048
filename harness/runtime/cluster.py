"""Several processes of one candidate around one store: each behind a proxy of its own, all in one loop and one true time.

Knows nothing of what they are asked: a challenge sends requests to a node's `actor`, and hears what comes by the callbacks. All
calls are for the loop's one thread.
"""

from __future__ import annotations

import contextlib
from collections.abc import Callable, Iterable, Sequence
from dataclasses import dataclass, field
from typing import Any

from harness.errors import InfraError, Undecided
from harness.runtime.actor import Actor, Call
from harness.runtime.loop import Loop
from harness.runtime.process import PROTOCOL, TIMEOUT_S
from harness.runtime.proxy import Faults, Gate, TripCounter, in_turn
from harness.runtime.stores import Store, StoreBusy
from harness.runtime.tree import Proof
from harness.runtime.trial import PROBE_SHIFT_MS, Trial, check_probe
from harness.runtime.truetime import TrueTime
from harness.runtime.wiring import proxy_for

MS = 1_000_000
TICK_NS = 200 * MS
TICK_PATIENCE_S = 1.0
RESET_PATIENCE_S = 5.0
EPOCH_MS = 1_735_689_600_000  # 2025-01-01: any moment will do, as long as it is not now
SPREAD_MS = 86_400_000


@dataclass(frozen=True, slots=True)
class ClockProof:
    """What a process that just started said of its own clock (`answered_ms`), asked with a `now_ms` that differs (`said_ms`).

    `from_ms` and `to_ms` are what its clock was to read when it was asked and when its answer was there. Epoch ms, all four.
    """

    answered_ms: float
    said_ms: float
    from_ms: float
    to_ms: float

    @property
    def off_ms(self) -> float:
        """How far the answer lies outside of what it could be: 0, or what a clock's grain makes of it."""
        return self.answered_ms - min(max(self.answered_ms, self.from_ms), self.to_ms)


@dataclass(eq=False)
class Node:
    """One processor: the process of the moment (None while it is down), its proxy, and how far its clock is off.

    `clock_proof` is of its last start; None before it, and where time comes from `now_ms` alone.
    """

    name: str
    proxy: TripCounter | None
    faults: Faults
    skew_ns: int = 0
    actor: Actor | None = None
    paused: bool = False
    tick: Call | None = field(default=None, repr=False)
    clock_proof: ClockProof | None = None

    @property
    def up(self) -> bool:
        """Whether it runs and is not stopped."""
        return self.actor is not None and not self.actor.ended and not self.paused

    @property
    def live(self) -> Actor:
        """Its process. Raises InfraError while it is down."""
        if self.actor is None or self.actor.ended:
            raise InfraError(f"processor {self.name} is down, and something was to be asked of it")
        return self.actor


class Cluster:
    """See the module. A context manager; closing ends every process, proxy and store.

    `ticks_may_fail`, until the next fresh run: faults of ours are about, so a tick may be answered with an error.

    `on_notification(node, t_ns, message)` is told of each notification (t_ns is true time), `on_reply(node, call)` of each call that
    is over.
    """

    def __init__(self, trial: Trial, names: Sequence[str], *, real: bool, durable: bool = False) -> None:
        self.trial = trial
        self.loop = Loop()
        epoch_ms = EPOCH_MS + float(trial.rng("cluster/epoch").integers(SPREAD_MS))
        self.time = TrueTime(real=real, epoch_ms=epoch_ms)
        self.gate = Gate()
        self.gate.open()
        self.store: Store | None = None
        self.on_notification: Callable[[Node, int, dict[str, Any]], None] | None = None
        self.on_reply: Callable[[Node, Call], None] | None = None
        self.nodes: dict[str, Node] = {}
        self.ticks_may_fail = False
        self._store_skew_ns = 0
        self._renewed = False
        self._closed = False
        trial.on_close(self.close)
        if trial.cell.program.store != "none":
            self.store = trial.open_store(durable=durable)
            self._move_store()
        self.nodes = {name: self._node(name) for name in names}

    def _node(self, name: str) -> Node:
        faults = Faults(self.loop)
        if self.store is None:
            return Node(name, None, faults)
        proxy = proxy_for(self.loop, name, self.store, in_turn(faults, self.gate))
        return Node(name, proxy, faults)

    def _move_store(self) -> None:
        store = self.store
        if store is None or not store.has_server:
            return
        if store.clock is None and not self.time.real:
            raise Undecided("the store's clock cannot be moved here, so there is no virtual time: no clock shim can be had")
        if store.clock is not None:
            store.set_offset_ns(self.time.offset_ns(self._store_skew_ns))

    def skew_store(self, skew_ns: int) -> None:
        """From now on the store's clock is off by that. Raises Undecided where it cannot be moved.

        A step back waits for nobody: have no request under way.
        """
        if self.store is not None and self.store.clock is None and skew_ns:
            raise Undecided("the store's clock cannot be moved here: no clock shim can be had")
        back_ns = self._store_skew_ns - skew_ns
        self._store_skew_ns = skew_ns
        if back_ns > 0 and not self.time.real:
            self.skip(back_ns)  # so that it stands still, and no timer of the store's sees it go back
        else:
            self._move_store()

    @property
    def store_skew_ns(self) -> int:
        """How far the store's clock is off."""
        return self._store_skew_ns

    # -- processes -------------------------------------------------------------------------------------------------------------

    def start(self, names: Iterable[str]) -> None:
        """Starts these, all at once, and introduces them. Raises CandidateFailure, RpcError or Undecided."""
        begun = [(node, *self._introduce(node)) for node in map(self.nodes.__getitem__, names)]
        for node, call, said_ms, before_ms in begun:
            actor = node.actor or node.live  # where it has ended meanwhile, its call says why
            if not self.loop.run_until(lambda: call.over, TIMEOUT_S["initialize"]):  # noqa: B023 - used at once
                raise actor.hung(call, TIMEOUT_S["initialize"])
            result = actor.process.accept_initialize(call.value())
            if not self.trial.clock_is_virtual:
                proof = ClockProof(float(result["now_ms"]), said_ms, before_ms, actor.process.wall_ms())
                check_probe(proof.answered_ms, said_ms, before_ms, proof.to_ms)
                node.clock_proof = proof

    def _introduce(self, node: Node) -> tuple[Call, float, float]:
        wall_ms = self.time.wall_ms(node.skew_ns)
        wiring = None if self.store is None else self.trial.wirer.wire(self.store, node.proxy)
        process = self.trial.spawn(node.name, wall_ms=wall_ms, wiring=wiring)
        process.set_clock_offset_ns(self.time.offset_ns(node.skew_ns))
        actor = node.actor = Actor(process, self.loop)
        # Should nobody close us before the trial ends: the loop has to let go of the pipes before the process closes them.
        self.trial.on_close(actor.close)
        node.paused, node.tick = False, None
        actor.on_notification = lambda t_ns, message: self._heard(node, t_ns, message)
        actor.on_reply = lambda call: self._replied(node, call)
        told = None if wiring is None else self.trial.store_params(wiring.url)
        params = self.trial.introduction(node.name, peers=[name for name in self.nodes if name != node.name], store=told)
        said_ms = wall_ms if self.trial.clock_is_virtual else wall_ms + PROBE_SHIFT_MS
        before_ms = process.wall_ms()
        call = actor.send("initialize", {"protocol": PROTOCOL, **params}, now_ms=said_ms)
        return call, said_ms, before_ms

    def _heard(self, node: Node, t_ns: int, message: dict[str, Any]) -> None:
        if self.on_notification is not None:
            self.on_notification(node, self.time.at_ns(t_ns), message)

    def _replied(self, node: Node, call: Call) -> None:
        if self.on_reply is not None:
            self.on_reply(node, call)

    def kill(self, node: Node) -> Proof:
        """SIGKILL to a processor's whole tree, verified; what it wrote before is heard. Its connections are closed."""
        actor = node.live
        proof = actor.kill()
        actor.close()
        node.paused = False
        if node.proxy is not None:
            node.proxy.cut_all()
        return proof

    def check_alive(self) -> None:
        """Raises what ended a process that we did not end."""
        for node in self.nodes.values():
            if node.actor is not None and node.actor.failure is not None:
                raise node.actor.failure

    # -- a fresh run -----------------------------------------------------------------------------------------------------------

    def renew(self, fresh: Iterable[str] = ()) -> list[str]:
        """Every processor up, with nothing in its memory, and the store empty; those in `fresh` are new processes.

        Returns who was started. Raises CandidateFailure.
        """
        self.gate.open()
        self.ticks_may_fail = False
        for name in fresh:
            self.kill_quietly(self.nodes[name])
        for node in self.nodes.values():
            node.faults.clear()
        self.forget()
        started = [node.name for node in self.nodes.values() if not node.up]
        self.start(started)
        if self.store is not None and not self._renewed:
            with contextlib.suppress(StoreBusy):  # who locks its tables as it starts keeps nothing in them
                self.store.keep_what_is_there()  # what candidates put there as they start, before there is any event
        self._renewed = True
        return started

    def forget(self) -> None:
        """Nothing in any memory, and the store empty. Who cannot forget is ended for it."""
        self._reset_or_end()
        self._empty_store()

    @property
    def can_forget(self) -> bool:
        """Whether every processor that runs can forget without being ended."""
        return all("reset" in node.live.process.capabilities for node in self.nodes.values() if node.up)

    def _reset_or_end(self) -> None:
        calls = []
        for node in self.nodes.values():
            if not node.up:
                continue
            if "reset" in node.live.process.capabilities and not node.live.calls:
                calls.append((node, self.send(node, "reset", {})))
            else:
                self.kill(node)
        self.loop.run_until(lambda: all(call.over for _, call in calls), RESET_PATIENCE_S)
        for node, call in calls:
            if call.error is not None:
                raise call.error
            if not call.over or call.lost is not None:
                self.kill_quietly(node)

    def kill_quietly(self, node: Node) -> None:
        """As `kill`, of one that may be gone already."""
        if node.actor is not None and not node.actor.ended:
            self.kill(node)

    def _empty_store(self) -> None:
        if self.store is None:
            return
        try:
            self.store.empty()
        except StoreBusy:
            for node in self.nodes.values():
                self.kill_quietly(node)
            self._empty_by_force(self.store)

    def _empty_by_force(self, store: Store) -> None:
        """What a processor began in the store (a script, a sleep with a lock) may outlive it: then the store itself ends."""
        try:
            store.empty()
        except StoreBusy:
            store.wipe()

    # -- requests --------------------------------------------------------------------------------------------------------------

    def send(self, node: Node, method: str, params: dict[str, Any]) -> Call:
        """Sends a request with this processor's own time in it, and returns at once."""
        return node.live.send(method, params, now_ms=round(self.time.wall_ms(node.skew_ns)))

    def run_until(self, predicate: Callable[[], bool], timeout_s: float) -> bool:
        """Runs the loop until the predicate holds or that much real time has passed. Raises what ended a process, at once."""
        done = self.loop.run_until(lambda: predicate() or self._has_fallen(), timeout_s)
        self.check_alive()
        return done

    def _has_fallen(self) -> bool:
        return any(node.actor is not None and node.actor.failure is not None for node in self.nodes.values())

    # -- time ------------------------------------------------------------------------------------------------------------------

    def pass_time(self, amount_ns: int) -> None:
        """Lets true time pass, with a tick for each live processor every 200 ms of it (the protocol promises 250)."""
        end_ns = self.time.now_ns() + amount_ns
        while (left_ns := end_ns - self.time.now_ns()) > 0:
            step_ns = min(TICK_NS, left_ns)
            if self.time.real:
                self.run_until(lambda: False, step_ns / 1e9)
            else:
                self.skip(step_ns)
            self.tick()

    def skip(self, amount_ns: int) -> None:
        """All clocks of the run jump ahead, the store's first."""
        self.time.skip_ns(amount_ns)
        self.set_clocks()

    def set_clocks(self) -> None:
        """Every clock reads what true time and its skew say."""
        self._move_store()
        for node in self.nodes.values():
            if node.actor is not None and not node.actor.ended:
                node.actor.process.set_clock_offset_ns(self.time.offset_ns(node.skew_ns))

    def tick(self) -> None:
        """A tick for each processor that can take one; waits a while for their replies, and for ever for none."""
        self.send_ticks()
        pending = [node.tick for node in self.nodes.values() if node.up and node.tick is not None]
        self.run_until(lambda: all(call.over for call in pending), TICK_PATIENCE_S)
        for node in self.nodes.values():
            if node.up and node.tick is not None:
                self._look_at(node.live, node.tick)

    def send_ticks(self) -> None:
        """A tick for each processor that can take one, without waiting. Raises what the last one of a processor came to."""
        for node in self.nodes.values():
            if node.up and (node.tick is None or node.tick.over) and self._may_be_asked(node):
                if node.tick is not None:
                    self._ask_of(node.tick)
                node.tick = self.send(node, "tick", {})

    def _ask_of(self, tick: Call) -> None:
        """Raises what a tick came to; an error that it answered with only where no fault can have been in its way."""
        if tick.error is None or not self.ticks_may_fail:
            tick.value()

    def _may_be_asked(self, node: Node) -> bool:
        return "pipelining" in node.live.process.capabilities or not node.live.calls

    def _look_at(self, actor: Actor, call: Call) -> None:
        if call.over:
            self._ask_of(call)
        elif self.loop.now_ns() - call.sent_ns > TIMEOUT_S["tick"] * 1e9:
            raise actor.hung(call, TIMEOUT_S["tick"])

    # -- end -------------------------------------------------------------------------------------------------------------------

    def close(self) -> None:
        """Ends every process, proxy and store. May be called twice."""
        if self._closed:
            return
        self._closed = True
        for node in self.nodes.values():
            if node.actor is not None:
                node.actor.close()
            if node.proxy is not None:
                node.proxy.close()
        if self.store is not None:
            self.store.close()
        self.loop.close()

    def __enter__(self) -> Cluster:
        return self

    def __exit__(self, *_: object) -> None:
        self.close()
