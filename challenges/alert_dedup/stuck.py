"""A processor is stopped while it handles one fingerprint, and stays so; how long the others take, with that one and with all else.

It is stopped at a store round trip of its offer, by the proxy, every descendant verified; all in real time. Just before the next
request leaves, the store holds what it holds just after the last answer: so the points after an answer show all that a stopped
processor can keep locked.
"""

from __future__ import annotations

import math
from collections.abc import Iterable, Mapping, Sequence
from dataclasses import dataclass, field

from challenges.alert_dedup.courses import FINGERPRINT
from challenges.alert_dedup.crashes import EVENT, OWNER, TRIES, WINDOW, Calibration, CrashPoint, rows_of, shape
from challenges.alert_dedup.field import Field, Offer
from challenges.alert_dedup.history import Emit, Entry, Ok
from challenges.alert_dedup.judging import Played, played
from challenges.alert_dedup.view import MS
from harness.runtime import tree
from harness.runtime.cluster import TICK_NS
from harness.runtime.proxy import PASS, Point, RoundTrip, Verdict
from harness.runtime.stores import PostgresStore
from harness.runtime.tree import Proof
from harness.runtime.trial import Undecided

MOST_MS = 1000.0  # of the time to a decision, for 99 of 100
EVERY_MS = 40.0
CONTROL_MS = 600.0
AGAIN_MS = 400.0  # after its fate is known, the stopped one's fingerprint is offered again
LAST_MS = 1200.0  # before the time allowed is over, the last of the others is offered
LAG_MS = 400.0  # of our own loop: more, and what was measured is this machine
REACH_S = 5.0
LOCKS = """
    SELECT DISTINCT locktype FROM pg_locks WHERE granted AND pid = ANY(%s) AND locktype IN ('advisory', 'transactionid', 'tuple')
"""


@dataclass(frozen=True, slots=True)
class Asked:
    """An offer, and when it was to be made (ms of the run): a processor that is busy gets it later."""

    offer: Offer
    at_ms: float


@dataclass(frozen=True, slots=True)
class Holding:
    """What a stopped processor has in the store: rows or keys more than before, and kinds of locks."""

    entries: int
    locks: tuple[str, ...] = ()

    @property
    def anything(self) -> bool:
        """Whether it has anything there."""
        return self.entries > 0 or bool(self.locks)

    @property
    def words(self) -> str:
        """In a few words."""
        parts = [f"{self.entries} rows or keys"] if self.entries else []
        return ", ".join([*parts, *(f"a lock ({kind})" for kind in self.locks)]) or "nothing"


@dataclass(frozen=True, slots=True)
class Stop:
    """One stop, and what was offered while it lasted. `until_ms`: when the time allowed was over."""

    where: CrashPoint
    run: Played
    at_ms: float
    until_ms: float
    others: Sequence[Asked]
    same: Sequence[Asked]
    control: Sequence[Asked]
    holding: Holding
    lag_ms: float

    @property
    def name(self) -> str:
        """The name of its case."""
        return case_name(self.where)


def case_name(where: CrashPoint) -> str:
    """The case of a point."""
    return f"stopped {where.name}"


# -- playing -----------------------------------------------------------------------------------------------------------------------


@dataclass(slots=True)
class Drive:
    """Offers at their moments, whatever becomes of the earlier ones. `lag_ms`: the most by which our own loop was late."""

    ground: Field
    others: Mapping[str, str]
    made: list[Asked] = field(default_factory=list)
    same: list[Asked] = field(default_factory=list)
    lag_ms: float = 0.0
    _next_tick_ms: float = 0.0

    def run(self, until_ms: float, last_ms: float, *, same_by: str = "") -> None:
        """One offer of a fresh fingerprint every 40 ms to each of the others until `last_ms`; then it waits until `until_ms`.

        With `same_by` that processor gets the fingerprint of the stopped one, again and again.
        """
        again_ms = self.ground.now_ms
        next_ms = self.ground.now_ms
        while (now_ms := self.ground.now_ms) < until_ms:
            if next_ms <= now_ms < last_ms:
                self._offer_others(now_ms)
                next_ms += EVERY_MS
            if same_by and now_ms >= again_ms and (not self.same or self.same[-1].offer.over):
                self.same.append(Asked(self.ground.offer(same_by, FINGERPRINT), now_ms))
                again_ms = now_ms + AGAIN_MS
            if now_ms >= self._next_tick_ms:
                self.ground.cluster.send_ticks()
                self._next_tick_ms = now_ms + TICK_NS / MS
            self._wait(min(until_ms, max(next_ms, now_ms + 1.0) if next_ms < last_ms else now_ms + EVERY_MS) - now_ms)

    def _offer_others(self, now_ms: float) -> None:
        for proc, kind in self.others.items():
            number = len(self.made)
            self.made.append(Asked(self.ground.offer(proc, f"{kind}/{number}"), now_ms))

    def _wait(self, wait_ms: float) -> None:
        before_ms = self.ground.now_ms
        self.ground.cluster.run_until(lambda: False, max(wait_ms, 0.0) / 1000)
        self.lag_ms = max(self.lag_ms, self.ground.now_ms - before_ms - wait_ms)


@dataclass(slots=True)
class _Target:
    """What the proxy stops: the processor, which counts as down from then on."""

    ground: Field
    proc: str
    at_ms: float = 0.0

    def stop(self) -> Proof:
        """SIGSTOP to every descendant, verified."""
        node = self.ground.cluster.nodes[self.proc]
        proof = node.live.stop()
        node.paused = True
        self.at_ms = self.ground.now_ms
        self.ground.note_stopped(self.proc, proof)
        return proof

    def cont(self) -> Proof:
        """SIGCONT to every descendant, verified."""
        return self.ground.cluster.nodes[self.proc].live.cont()


def stop_at(ground: Field, where: CrashPoint, calibration: Calibration) -> Stop:
    """A run in which the owner is stopped there, and the others go on until lease + 2 s are over. Raises Undecided."""
    for _ in range(TRIES):
        ground.begin(fresh=[OWNER])
        names = [name for name in ground.names if name != OWNER]
        side = "pipelining" in ground.cluster.nodes[names[0]].live.process.capabilities
        # Who takes one request at a time waits for the stopped one's fingerprint, and may: there nothing else is offered.
        others = dict.fromkeys(names if side else names[1:], "other")
        control = Drive(ground, dict.fromkeys(others, "control"))
        control.run(ground.now_ms + CONTROL_MS, ground.now_ms + CONTROL_MS / 2)
        ground.quiet()
        before = rows_of(ground)
        target = _reach(ground, where, calibration)
        if target is None:
            continue
        holding = holding_of(ground, before)
        until_ms = target.at_ms + ground.rules.after_fault_ns / MS
        drive = Drive(ground, others)
        drive.run(until_ms, until_ms - LAST_MS, same_by=names[0])
        _still_stopped(ground, where)
        run = played(ground, case_name(where))
        lag_ms = max(drive.lag_ms, control.lag_ms)
        return Stop(where, run, target.at_ms, until_ms, drive.made, drive.same, control.made, holding, lag_ms)
    raise Undecided(f"the point {where.name} ({where.text[:80]}) was not reached, or the stop not proven, in {TRIES} runs")


def _reach(ground: Field, where: CrashPoint, calibration: Calibration) -> _Target | None:
    """Offers the event to the owner and stops it at that point; None where the round trips came otherwise, or it did not stop."""
    node, proxy = ground.cluster.nodes[OWNER], ground.proxy(OWNER)
    target = _Target(ground, OWNER)
    node.faults.pause(target, where.k, where.point, window=WINDOW)
    proxy.open_window(WINDOW)
    ground.offer(OWNER, FINGERPRINT, event_id=EVENT)
    # No ticks meanwhile: their round trips would be counted with the offer's.
    ground.cluster.run_until(lambda: bool(node.faults.fired), REACH_S)
    seen = tuple(shape(trip) for trip in proxy.of_window(WINDOW)[: where.k])
    took = bool(node.faults.fired) and node.faults.fired[0].status == "installed"
    return target if took and seen == calibration.shapes[: where.k] else None


def _still_stopped(ground: Field, where: CrashPoint) -> None:
    """Raises Undecided unless every descendant of the owner is stopped to the last thread."""
    root = ground.cluster.nodes[OWNER].live.process.pid
    running = [pid for pid in tree.descendants(root) if not tree.thread_states(pid) <= set("TtZ")]
    if running:
        raise Undecided(
            f"at {where.name} the stopped processor did not stay stopped: {len(running)} of its processes ran again"
        )


# -- what it holds -----------------------------------------------------------------------------------------------------------------


def holding_of(ground: Field, before: int) -> Holding:
    """What the owner has in the store now. `before`: how many rows or keys there were."""
    return Holding(max(rows_of(ground) - before, 0), _locks(ground))


def _locks(ground: Field) -> tuple[str, ...]:
    """Kinds of locks that sessions of the owner hold; a transaction that has written counts as one. None for a store without."""
    store = ground.cluster.store
    backends = {trip.backend for trip in ground.proxy(OWNER).log if trip.backend}
    if not isinstance(store, PostgresStore) or not backends:
        return ()
    rows = store.session().execute(LOCKS, (list(backends),)).fetchall()
    return tuple(sorted(str(kind) for (kind,) in rows))


def survey(ground: Field, calibration: Calibration) -> dict[int, Holding]:
    """What the owner holds after each answer of one offer: by its number, where the offer came as it was calibrated."""
    ground.begin(fresh=[OWNER])
    node, proxy = ground.cluster.nodes[OWNER], ground.proxy(OWNER)
    before = rows_of(ground)
    found: dict[int, Holding] = {}

    def look(trip: RoundTrip) -> Verdict:
        found[trip.k] = holding_of(ground, before)
        return PASS

    for number in range(1, len(calibration.trips) + 1):
        node.faults.call("look", look, number, Point.AFTER, window=WINDOW)
    proxy.open_window(WINDOW)
    ground.wait(ground.offer(OWNER, FINGERPRINT, event_id=EVENT))
    ground.quiet()
    proxy.close_window()
    return found


# -- judging: pure -----------------------------------------------------------------------------------------------------------------


def times_ms(entries: Iterable[Entry], asked: Iterable[Asked]) -> tuple[list[float], list[float]]:
    """From when each was to be offered, in ms: until it was accepted, and until its fingerprint was paged, where it was to be.

    `inf` for what did not come while the run lasted; an offer that was refused was not accepted.
    """
    decided: dict[int, tuple[float, str]] = {}
    paged: dict[str, float] = {}
    for entry in entries:
        if isinstance(entry, Ok):
            decided[entry.op] = (entry.t_ns / MS, entry.decision)
        elif isinstance(entry, Emit):
            paged.setdefault(entry.fingerprint, entry.t_ns / MS)
    decisions, pages = [], []
    for one in asked:
        at_ms, _ = decided.get(one.offer.op, (math.inf, ""))
        decisions.append(at_ms - one.at_ms)
        if at_ms < math.inf:
            pages.append(paged.get(one.offer.fingerprint, math.inf) - one.at_ms)
    return decisions, pages


def p99(values: Sequence[float]) -> float:
    """The smallest value that at least 99 of 100 do not exceed; 0 of none."""
    ranked = sorted(values)
    return ranked[math.ceil(0.99 * len(ranked)) - 1] if ranked else 0.0


def problems(stop: Stop) -> list[str]:
    """What the stop held up that it should not have; none if all is well."""
    decisions, pages = times_ms(stop.run.entries, stop.others)
    found = []
    if (late_ms := p99(decisions)) >= MOST_MS:
        slow = sum(value >= MOST_MS for value in decisions)
        found.append(
            f"of {len(decisions)} offers of other fingerprints {slow} {_took(late_ms, 'were not decided', 'took up to')}"
        )
    elif (late_ms := p99(pages)) >= MOST_MS:
        slow = sum(value >= MOST_MS for value in pages)
        found.append(f"of {len(pages)} other alerts {slow} {_took(late_ms, 'were not paged', 'were paged only after up to')}")
    return found + _same(stop)


def _took(late_ms: float, never: str, late: str) -> str:
    return never if math.isinf(late_ms) else f"{late} {late_ms:.0f} ms"


def _same(stop: Stop) -> list[str]:
    """What is wrong with the fingerprint that the stopped processor has in hand."""
    allowed_ms = stop.until_ms - stop.at_ms
    decisions, _ = times_ms(stop.run.entries, stop.same)
    accepted = [asked for asked, ms in zip(stop.same, decisions, strict=True) if asked.at_ms + ms <= stop.until_ms]
    if not accepted:
        return [f"its own fingerprint, offered {len(stop.same)} times to another, was not accepted in {allowed_ms:.0f} ms"]
    paged = [e.t_ns / MS for e in stop.run.entries if isinstance(e, Emit) and e.fingerprint == FINGERPRINT]
    if not any(at_ms <= stop.until_ms for at_ms in paged):
        return [f"its own fingerprint was accepted by another {len(accepted)} times, and not paged in {allowed_ms:.0f} ms"]
    return []


def disturbed(stop: Stop) -> str:
    """Why the figures say nothing of the candidate, or ''."""
    if stop.lag_ms > LAG_MS:
        return f"our own loop was {stop.lag_ms:.0f} ms late"
    slow_ms = p99(times_ms(stop.run.entries, stop.control)[0])
    if math.isinf(slow_ms):
        return "before anything was stopped offers were not accepted either"
    if slow_ms >= MOST_MS:
        return f"before anything was stopped a decision took {slow_ms:.0f} ms"
    return ""
