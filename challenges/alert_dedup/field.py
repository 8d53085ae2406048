"""The field on which a candidate is tried: offers go out, what comes back is taken down in the history of the run.

A run begins with fresh processors and an empty store (`begin`). Offers are sent at once to a processor that pipelines; to another
one after it has answered the last. All times are true time (see `harness.runtime.truetime`), in ns unless named otherwise.
"""

from __future__ import annotations

from collections import deque
from collections.abc import Iterable, Sequence
from contextlib import AbstractContextManager, nullcontext
from dataclasses import dataclass, field
from typing import Any

from challenges.alert_dedup.history import (
    CLOCK_FAULT,
    STORE,
    STORE_FAILS,
    Emit,
    Entry,
    Fail,
    Fault,
    History,
    Info,
    Invoke,
    Obs,
    Ok,
)
from challenges.alert_dedup.view import MS, Rules, View
from harness.errors import CandidateBrokeProtocol, CandidateHung, NotOffered, Undecided
from harness.runtime.actor import Call
from harness.runtime.cluster import TICK_NS, Cluster, Node
from harness.runtime.process import OTHER_TIMEOUT_S
from harness.runtime.proxy import Fired, RoundTrip, TripCounter
from harness.runtime.tree import Proof
from harness.runtime.trial import Trial

DECISIONS = ("emit", "suppress", "update")
# Definite by the protocol: nothing happened.
DEFINITE = frozenset({-32700, -32600, -32601, -32602, -32001})
HARNESS = "harness"
WARM_UP_OFFERS = 2
QUIET_S = 0.05
QUIET_PATIENCE_S = 2.0
MAX_TEXT = 1 << 17
MAX_SILENCES = 4  # waits in vain in one run without a fault: a course of sixty offers would take its whole time otherwise
TOLD_BY_THEMSELVES = frozenset({"kill", "pause", STORE_FAILS})  # faults at a round trip that whoever does them takes down
MAX_EMITS = 10_000  # in one run; no suite makes more than a few hundred offers in one
MAX_EMITTED = 1 << 25  # characters, of all emits of one run


@dataclass(eq=False)
class Offer:
    """One delivery of an event. `outcome`: '' while under way, then ok, fail or info; `code` is that of an error."""

    op: int
    proc: str
    event_id: str
    fingerprint: str
    attempt: int
    severity: str
    params: dict[str, Any] = field(repr=False)
    malformed: bool = False
    call: Call | None = field(default=None, repr=False)
    outcome: str = ""
    decision: str = ""
    code: int = 0

    @property
    def over(self) -> bool:
        """Whether nothing more is to come of it."""
        return self.outcome != ""


class Field:
    """See the module. `processors` names p0, p1, ...; `real` as `--time` says unless given. A context manager."""

    def __init__(self, trial: Trial, processors: int = 3, *, real: bool | None = None, durable: bool = False) -> None:
        self.trial = trial
        self.real = trial.cell.time == "real" if real is None else real
        self.names = [f"p{number}" for number in range(processors)]
        self.cluster = Cluster(trial, self.names, real=self.real, durable=durable)
        self.cluster.on_notification = self._heard
        self.cluster.on_reply = self._replied
        self.history = History()
        self.offers: list[Offer] = []
        # Of a processor that pipelines: how many offers it is given before it has answered one; all of them for None.
        self.most_outstanding: int | None = None
        self.rows_before = 0
        self._waiting: dict[str, deque[Offer]] = {}
        self._held: list[tuple[type[Entry], int, str, dict[str, Any]]] | None = None
        self._origin_ns = 0
        self._emits = self._emitted = self._silences = 0
        self._begun = False

    # -- a run -----------------------------------------------------------------------------------------------------------------

    def begin(self, fresh: Iterable[str] = ()) -> None:
        """A fresh run: processors without memory, an empty store, a new history that starts now.

        Those in `fresh`, and whoever was down, are new processes; they have warmed up.
        """
        cluster = self.cluster
        self._begun = False
        started = cluster.renew(fresh)
        for node in cluster.nodes.values():
            node.faults.on_fire = self._fired
        if started:
            self._warm_up(started)
        for node in cluster.nodes.values():
            if node.proxy is not None:
                node.proxy.log.clear()
                node.proxy.close_window()
        self._clean_sheet()
        self._origin_ns = cluster.time.now_ns()
        self._begun = True
        for name in self.names:
            self._take_down(Obs, self._now_ns(), name, what="up")

    def _clean_sheet(self) -> None:
        self.most_outstanding = None
        self.history, self.offers = History(), []
        self._emits = self._emitted = self._silences = 0
        self._waiting = {name: deque() for name in self.names}

    def _warm_up(self, names: Sequence[str]) -> None:
        """Two offers to each, in no history: connections are open then, and statements prepared."""
        self._clean_sheet()
        for number in range(WARM_UP_OFFERS):
            # Names of their own: the store of a candidate that cannot forget will know them in the run.
            warm = [f"warm-up {name} {number}" for name in names]
            self.wait(*(self.offer(name, text, event_id=text) for name, text in zip(names, warm, strict=True)))
        self.quiet()
        for name in names:
            if (why := self.proxy(name).blind() if self.cluster.store is not None else None) is not None:
                raise Undecided(why)
        if self.cluster.can_forget:
            self.cluster.forget()
            # Who did not answer, or kept the store locked, was ended for it, and begins the run as a new process.
            self.cluster.start([node.name for node in self.cluster.nodes.values() if not node.up])

    def note_end(self) -> None:
        """Takes down that the run lasted until now: what had not happened by then did not happen in time."""
        self._take_down(Obs, self._now_ns(), HARNESS, what="end")

    @property
    def rules(self) -> Rules:
        """The durations of the specification, with what the processors declare."""
        declared = [node.actor.process.declared for node in self.cluster.nodes.values() if node.actor is not None]
        config = self.trial.cell.config
        eps_ms = 0 if self.trial.clock_is_virtual and self.cluster.store is None else 50
        return Rules(
            window_ns=int(config["window_ms"]) * MS,
            skew_ns=int(config["max_skew_ms"]) * MS,
            eps_ns=eps_ms * MS,
            lease_ns=_declared(declared, "lease_ms", 2000) * MS,
            retention_ns=_declared(declared, "retention_ms", 60_000) * MS,
        )

    def view(self) -> View:
        """The history so far, for the checks."""
        return View(self.history, self.rules)

    def trips(self) -> list[RoundTrip]:
        """The round trips of the run that the proxies saw, oldest first."""
        proxies = [node.proxy for node in self.cluster.nodes.values() if node.proxy is not None]
        return sorted((trip for proxy in proxies for trip in proxy.log), key=lambda trip: trip.t_ns)

    def trip_rows(self) -> list[dict[str, Any]]:
        """The same as plain values, with times on the axis of the history."""
        return [self._on_axis(trip.row()) for trip in self.trips()]

    def _on_axis(self, row: dict[str, Any]) -> dict[str, Any]:
        for name in ("t_ns", "forwarded_ns", "answered_ns", "ended_ns"):
            if row[name]:
                row[name] = self.cluster.time.at_ns(row[name]) - self._origin_ns
        return row

    def proxy(self, proc: str) -> TripCounter:
        """The store proxy of a processor. Raises NotOffered for a candidate without a store."""
        proxy = self.cluster.nodes[proc].proxy
        if proxy is None:
            raise NotOffered('it has no store in which anything could be shared: the manifest says store = "none"')
        return proxy

    def complaints(self) -> list[str]:
        """What the proxies had to refuse of each processor, once each."""
        proxies = [node.proxy for node in self.cluster.nodes.values() if node.proxy is not None]
        return list(dict.fromkeys(f"{proxy.processor}: {sentence}" for proxy in proxies for sentence in proxy.complaints))

    # -- offers ----------------------------------------------------------------------------------------------------------------

    def offer(
        self,
        proc: str,
        fingerprint: str,
        *,
        event_id: str | None = None,
        attempt: int = 1,
        severity: str = "high",
        alert: dict[str, str] | None = None,
        params: dict[str, Any] | None = None,
    ) -> Offer:
        """Offers an event (a new one unless `event_id` is given); returns at once.

        `alert`: what differs of the usual one. `params`: malformed ones, sent as they are.
        """
        op = len(self.offers)
        event_id = f"e{op}" if event_id is None else event_id
        told = params if params is not None else offer_params(event_id, fingerprint, attempt, severity)
        told |= {"alert": told["alert"] | alert} if alert else {}
        offer = Offer(op, proc, event_id, fingerprint, attempt, severity, told, params is not None)
        self.offers.append(offer)
        self._waiting[proc].append(offer)
        self._pump(self.cluster.nodes[proc])
        return offer

    def redeliver(self, offer: Offer, proc: str) -> Offer:
        """The same event once more, to this processor."""
        attempts = [other.attempt for other in self.offers if other.event_id == offer.event_id]
        return self.offer(
            proc,
            offer.fingerprint,
            event_id=offer.event_id,
            attempt=max(attempts) + 1,
            severity=offer.severity,
            alert=offer.params.get("alert"),
        )

    def _pump(self, node: Node) -> None:
        waiting = self._waiting.get(node.name)
        while waiting and node.up and self._takes_more(node):
            self._send(node, waiting.popleft())

    def _takes_more(self, node: Node) -> bool:
        if "pipelining" not in node.live.process.capabilities:
            return not node.live.calls
        return self.most_outstanding is None or len(node.live.calls) < self.most_outstanding

    def _send(self, node: Node, offer: Offer) -> None:
        self._take_down(
            Invoke,
            self._now_ns(),
            node.name,
            op=offer.op,
            event_id=offer.event_id,
            fingerprint=offer.fingerprint,
            attempt=offer.attempt,
            severity=offer.severity,
            malformed=offer.malformed,
        )
        offer.call = self.cluster.send(node, "offer", offer.params)
        if offer.call.over:
            self._settle(offer)

    def wait(self, *offers: Offer, timeout_s: float = OTHER_TIMEOUT_S) -> None:
        """Runs until these are over; one that has no reply after that (real) time is left as `info`.

        One that could not even be sent by then (its processor is down, or busy with an earlier one) never is: it did not happen.
        Raises CandidateHung when that happens again and again in one run without a fault.
        """
        if self._all_over(offers, timeout_s):
            return
        for offer in offers:
            if not offer.over:
                self._give_up(offer)
        self._silences += 1
        if self._silences >= MAX_SILENCES and not any(map(_stops_something, self.history)):
            raise CandidateHung(
                f"{self._silences} times in one run without a fault an offer had no reply within {timeout_s:g} s"
            )

    def _all_over(self, offers: Sequence[Offer], timeout_s: float) -> bool:
        """Runs until these are over or the time is; meanwhile the ticks come that the protocol promises."""
        loop = self.cluster.loop
        deadline_ns = loop.now_ns() + int(timeout_s * 1e9)
        while (left_ns := deadline_ns - loop.now_ns()) > 0:
            if self.cluster.run_until(lambda: all(offer.over for offer in offers), min(left_ns, TICK_NS) / 1e9):
                return True
            self.cluster.send_ticks()
        return all(offer.over for offer in offers)

    def _give_up(self, offer: Offer) -> None:
        offer.outcome = "info"
        if offer in self._waiting[offer.proc]:
            self._waiting[offer.proc].remove(offer)
        else:
            self._take_down(Info, self._now_ns(), offer.proc, op=offer.op, reason="no reply")

    def resolve(self, proc: str, fingerprint: str) -> None:
        """Says that the condition is over, where the processor wants to know."""
        node = self.cluster.nodes[proc]
        if "resolve" in node.live.process.capabilities:
            call = self.cluster.send(node, "resolve", {"fingerprint": fingerprint})
            if not self.cluster.run_until(lambda: call.over, OTHER_TIMEOUT_S):
                raise node.live.hung(call, OTHER_TIMEOUT_S)
            call.value()
            self._take_down(Obs, self._now_ns(), proc, what="resolve", data={"fingerprint": fingerprint})

    @property
    def resolves(self) -> bool:
        """Whether the candidate wants to be told of conditions that are over."""
        nodes = self.cluster.nodes.values()
        return any(node.actor is not None and "resolve" in node.actor.process.capabilities for node in nodes)

    # -- time ------------------------------------------------------------------------------------------------------------------

    def pass_ms(self, amount_ms: float) -> None:
        """True time passes, with ticks."""
        self.cluster.pass_time(int(amount_ms * MS))

    def pass_until_ms(self, at_ms: float) -> None:
        """True time passes until that moment of the run; at once if it is over."""
        left_ns = int(at_ms * MS) - self._now_ns()
        if left_ns > 0:
            self.cluster.pass_time(left_ns)

    def writers_held(self) -> AbstractContextManager[None]:
        """See `Store.writers_held`."""
        return nullcontext() if self.cluster.store is None else self.cluster.store.writers_held()

    def waiting(self) -> int:
        """How many requests wait for a lock of the store."""
        return 0 if self.cluster.store is None else len(self.cluster.store.blocked())

    def quiet(self) -> bool:
        """Runs until nothing has come for 50 ms of real time; whether it became quiet."""
        done = self.cluster.loop.settle(QUIET_S, QUIET_PATIENCE_S)
        self.cluster.check_alive()
        return done

    def _now_ns(self) -> int:
        return self.cluster.time.now_ns() - self._origin_ns

    @property
    def now_ms(self) -> float:
        """True time of the run."""
        return self._now_ns() / MS

    def note_held(self, proc: str, held_ms: float) -> None:
        """Takes down that a round trip of this processor was held so long that it counts as a fault of ours."""
        self._take_down(Fault, self._now_ns(), proc, fault="delay", evidence={"held_ms": round(held_ms, 1)})

    # -- faults ----------------------------------------------------------------------------------------------------------------

    def note_fault(self, proc: str, fault: str, *, status: str = "installed", evidence: dict[str, Any] | None = None) -> None:
        """Takes down a fault on a processor, or on the store (`history.STORE`), that happens now."""
        self._take_down(Fault, self._now_ns(), proc, fault=fault, status=status, evidence=evidence or {})

    def note(self, proc: str, what: str, **data: Any) -> None:
        """Takes down anything else: `up` and `down` of a processor or the store say when they can work."""
        self._take_down(Obs, self._now_ns(), proc, what=what, data=data)

    def kill(self, proc: str) -> Proof:
        """SIGKILL, taken down with its proof before whatever the death brings about."""
        node = self.cluster.nodes[proc]
        t_ns, self._held = self._now_ns(), []
        try:
            proof = self.cluster.kill(node)
        finally:
            behind, self._held = self._held, None
        status = "installed" if proof.took else "indeterminate"
        self._take_down(Fault, t_ns, proc, fault="kill", status=status, evidence=_evidence(proof))
        for kind, at_ns, name, fields in behind:
            self._take_down(kind, at_ns, name, **fields)
        for offer in self.offers:
            if offer.proc == proc and offer.call is not None and not offer.over:
                self._settle(offer)
        self._take_down(Obs, self._now_ns(), proc, what="down")
        return proof

    def restart(self, *procs: str) -> None:
        """New incarnations of these, up and introduced."""
        self.cluster.start(procs)
        for proc in procs:
            self._take_down(Obs, self._now_ns(), proc, what="up")
            self._pump(self.cluster.nodes[proc])

    def note_stopped(self, proc: str, proof: Proof) -> None:
        """Takes down that a processor was stopped (SIGSTOP), and is down from now on."""
        status = "installed" if proof.took else "indeterminate"
        self._take_down(Fault, self._now_ns(), proc, fault="pause", status=status, evidence=_evidence(proof))
        self._take_down(Obs, self._now_ns(), proc, what="down")

    def victim(self, proc: str) -> Victim:
        """What the proxy's faults kill when they kill this processor."""
        return Victim(self, proc)

    def _fired(self, fired: Fired) -> None:
        row = fired.row()
        data = {key: row[key] for key in ("fault", "k", "point", "text", "status")}
        self._take_down(Obs, self._now_ns(), fired.processor, what="fault point", data=data)
        if fired.name not in TOLD_BY_THEMSELVES:
            self.note_fault(fired.processor, fired.name, status=fired.status, evidence=fired.evidence)

    # -- what comes ------------------------------------------------------------------------------------------------------------

    def _heard(self, node: Node, t_ns: int, message: dict[str, Any]) -> None:
        if message.get("method") != "emit":
            return
        self._emits += 1
        if self._emits > MAX_EMITS:
            raise CandidateBrokeProtocol(f"more than {MAX_EMITS} emits came in one run, for {len(self.offers)} offers")
        if not self._begun:
            return
        params = message.get("params")
        told = params if isinstance(params, dict) else {}
        fields = {key: _text(told, key) for key in ("alert_id", "fingerprint", "event_id")}
        self._emitted += sum(map(len, fields.values()))
        if self._emitted > MAX_EMITTED:
            raise CandidateBrokeProtocol(f"the emits of one run have more than {MAX_EMITTED >> 20} million characters")
        self._take_down(Emit, t_ns - self._origin_ns, node.name, **fields)

    def _replied(self, node: Node, call: Call) -> None:
        if call.method == "offer":
            for offer in self.offers:
                if offer.call is call and not offer.over:
                    self._settle(offer)
        if call.lost is None and call.method != "initialize":  # who is restarted gets what waits once it is taken down as up
            self._pump(node)

    def _settle(self, offer: Offer) -> None:
        call = offer.call
        if call is None:
            return
        t_ns = max(self.cluster.time.at_ns(call.done_ns) - self._origin_ns, 0) if call.over else self._now_ns()
        if call.result is not None:
            offer.outcome, offer.decision = "ok", _decision(call.result)
            self._take_down(Ok, t_ns, offer.proc, op=offer.op, decision=offer.decision)
        elif call.error is not None and call.error.code in DEFINITE:
            offer.outcome, offer.code = "fail", call.error.code
            self._take_down(Fail, t_ns, offer.proc, op=offer.op, code=offer.code)
        else:
            offer.outcome, offer.code = "info", call.error.code if call.error is not None else 0
            reason = str(call.error if call.error is not None else call.lost)
            self._take_down(Info, t_ns, offer.proc, op=offer.op, reason=reason[:300])

    def _take_down(self, kind: type[Entry], t_ns: int, proc: str, **fields: Any) -> None:
        if not self._begun:
            return
        if self._held is not None:
            self._held.append((kind, t_ns, proc, fields))
            return
        last_ns = self.history.entries[-1].t_ns if self.history.entries else 0
        node = self.cluster.nodes.get(proc)
        clock_ns = int(self.cluster.time.wall_ms(node.skew_ns) * MS) if node is not None and proc != STORE else None
        self.history.add(kind, max(t_ns, last_ns), proc, clock_ns=clock_ns, **fields)

    # -- end -------------------------------------------------------------------------------------------------------------------

    def close(self) -> None:
        """Ends every process and the store."""
        self.cluster.close()

    def __enter__(self) -> Field:
        return self

    def __exit__(self, *_: object) -> None:
        self.close()


@dataclass(frozen=True, slots=True)
class Victim:
    """A processor as the proxy's faults see it."""

    field: Field
    proc: str

    def kill(self) -> Proof:
        """See `Field.kill`."""
        return self.field.kill(self.proc)


def offer_params(event_id: str, fingerprint: str, attempt: int, severity: str) -> dict[str, Any]:
    """The params of a well-formed offer."""
    alert = {"service": "checkout", "alert_type": "error_rate", "severity": severity, "message": "error rate above normal"}
    return {"event_id": event_id, "attempt": attempt, "fingerprint": fingerprint, "alert": alert}


def _stops_something(entry: Entry) -> bool:
    return isinstance(entry, Fault) and not entry.fault.startswith(CLOCK_FAULT)


def _decision(result: dict[str, Any]) -> str:
    decision = result.get("decision")
    if decision not in DECISIONS:
        raise CandidateBrokeProtocol(
            f"the result of 'offer' needs a decision of {', '.join(DECISIONS)}; it was {decision!r:.80}"
        )
    return str(decision)


def _text(params: dict[str, Any], key: str) -> str:
    value = params.get(key)
    # An empty fingerprint is for the checks: it may be the page of a malformed offer.
    if not isinstance(value, str) or len(value) > MAX_TEXT or (key == "alert_id" and not value):
        raise CandidateBrokeProtocol(f"an emit needs {key!r} as text (an id that is not empty); it had {value!r:.80}")
    return value


def _declared(tables: Sequence[dict[str, Any]], key: str, most: int) -> int:
    """The largest value declared, held to what the protocol allows; that limit where nothing sensible is declared."""
    values = [table.get(key) for table in tables]
    numbers = [value for value in values if isinstance(value, int | float) and not isinstance(value, bool) and value >= 0]
    return min(int(max(numbers)), most) if numbers and len(numbers) == len(values) else most


def _evidence(proof: Proof) -> dict[str, Any]:
    return {
        "signal": proof.signal,
        "states": {str(pid): state for pid, state in proof.states.items()},
        "took_ms": round(proof.took_ms, 3),
    }
