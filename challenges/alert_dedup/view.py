"""A history put in order for the checks: events with their attempts, groups of emissions, faults, and who was up when.

Every interval is closed, every tie is concurrent, and torn emissions are not there.
"""

from __future__ import annotations

from bisect import bisect_left, bisect_right
from collections.abc import Iterable

import msgspec

from challenges.alert_dedup.history import CLOCK_FAULT, STORE, Emit, Entry, Fail, Fault, Info, Invoke, Obs, Ok

MS = 1_000_000
S = 1000 * MS
NEVER_NS = 1 << 62


class Rules(msgspec.Struct, frozen=True):
    """Durations of the specification, in ns. `eps_ns` is 0 only where no wall clock and no store's clock is read."""

    window_ns: int = 5 * S
    skew_ns: int = 3 * S
    eps_ns: int = 50 * MS
    settle_ns: int = 1 * S
    recovery_ns: int = 2 * S
    lease_ns: int = 2 * S
    retention_ns: int = 60 * S

    @property
    def after_fault_ns(self) -> int:
        """D after a fault: lease + 2 s."""
        return self.lease_ns + self.recovery_ns


class Attempt(msgspec.Struct, gc=False):
    """One delivery of an event, [from_ns, to_ns]; `outcome` is ok, fail, info, or open where the history ends before it does."""

    i: int
    proc: str
    from_ns: int
    fingerprint: str
    malformed: bool
    to_ns: int = NEVER_NS
    outcome: str = "open"
    decision: str = ""


class Event(msgspec.Struct, gc=False):
    """One observation: its attempts, and the emissions that name it, both in order."""

    event_id: str
    attempts: list[Attempt]
    emits: tuple[Emit, ...] = ()


class Group(msgspec.Struct, gc=False):
    """All emissions of one alert_id. `out_ns` is the first of them, [tr_from_ns, tr_to_ns] is tr."""

    alert_id: str
    fingerprint: str
    event_id: str
    out_ns: int
    emits: list[Emit]
    tr_from_ns: int = 0
    tr_to_ns: int = 0
    reach_ns: int = 0
    """max(tr, out) of this group and all earlier ones of its fingerprint."""

    @property
    def end_ns(self) -> int:
        """max(tr(e), out(e)), from where the window is counted at the latest."""
        return max(self.tr_to_ns, self.out_ns)


class View:
    """See the module. Groups of a fingerprint are in order of `tr_from_ns`."""

    def __init__(self, entries: Iterable[Entry], rules: Rules) -> None:
        self.rules = rules
        self.events: dict[str, Event] = {}
        self.groups: dict[str, Group] = {}
        self.faults: list[Fault] = []
        self.emits: list[Emit] = []
        self.end_ns = 0
        self._ups: list[Obs] = []
        self._read(entries)
        self.upset_ns = [f.t_ns for f in self.faults if not f.fault.startswith(CLOCK_FAULT)]
        self.availability = Availability(self._ups)
        self.by_fingerprint: dict[str, list[Group]] = {}
        for group in self.groups.values():
            self._place(group)
        for groups in self.by_fingerprint.values():
            groups.sort(key=lambda group: group.tr_from_ns)
            reach_ns = 0
            for group in groups:
                reach_ns = group.reach_ns = max(reach_ns, group.end_ns)

    def _read(self, entries: Iterable[Entry]) -> None:
        events = self.events
        offers: dict[int, Attempt] = {}
        entry: Entry | None = None
        for entry in entries:
            if isinstance(entry, Invoke):
                attempt = Attempt(entry.i, entry.proc, entry.t_ns, entry.fingerprint, entry.malformed)
                offers[entry.op] = attempt
                event = events.get(entry.event_id)
                if event is None:
                    events[entry.event_id] = Event(entry.event_id, [attempt])
                else:
                    event.attempts.append(attempt)
            elif isinstance(entry, Ok):
                attempt = offers[entry.op]
                attempt.to_ns, attempt.outcome, attempt.decision = entry.t_ns, "ok", entry.decision
            elif isinstance(entry, Emit):
                if not entry.torn:
                    self._emitted(entry)
            elif isinstance(entry, Fail | Info):
                attempt = offers[entry.op]
                attempt.to_ns, attempt.outcome = entry.t_ns, "fail" if isinstance(entry, Fail) else "info"
            elif isinstance(entry, Fault):
                if entry.status != "skipped":
                    self.faults.append(entry)
            elif entry.what in ("up", "down"):
                self._ups.append(entry)
        self.end_ns = entry.t_ns if entry is not None else 0

    def _emitted(self, emit: Emit) -> None:
        self.emits.append(emit)
        group = self.groups.get(emit.alert_id)
        if group is None:
            self.groups[emit.alert_id] = Group(emit.alert_id, emit.fingerprint, emit.event_id, emit.t_ns, [emit])
        else:
            group.emits.append(emit)

    def _place(self, group: Group) -> None:
        """tr: from the first to the last attempt of its event before it went out; as far as it went out for one that a fault
        stopped, cut off or delayed."""
        for emit in group.emits:
            event = self.events.get(emit.event_id)
            if event is not None:
                event.emits += (emit,)
        out_ns = group.out_ns
        group.tr_from_ns = group.tr_to_ns = out_ns
        event = self.events.get(group.event_id)
        if event is not None and event.attempts[0].from_ns <= out_ns:
            group.tr_from_ns = event.attempts[0].from_ns
            last = max(a.from_ns for a in event.attempts if a.from_ns <= out_ns)
            group.tr_to_ns = max(last, *(self._latest_ns(a, out_ns) for a in event.attempts if a.from_ns <= out_ns))
        self.by_fingerprint.setdefault(group.fingerprint, []).append(group)

    def _latest_ns(self, attempt: Attempt, out_ns: int) -> int:
        """The latest moment up to `out_ns` at which an attempt may have taken effect."""
        disturbed = attempt.outcome in ("info", "open") or self.disturbed(attempt)
        return out_ns if disturbed else min(attempt.to_ns, out_ns)

    def disturbed(self, attempt: Attempt) -> bool:
        """Whether a fault hit its processor or the store while it was under way."""
        first = bisect_left(self.faults, attempt.from_ns, key=lambda fault: fault.t_ns)
        last = bisect_right(self.faults, attempt.to_ns, key=lambda fault: fault.t_ns)
        hit = (fault for fault in self.faults[first:last] if not fault.fault.startswith(CLOCK_FAULT))
        return any(fault.proc in (attempt.proc, STORE) for fault in hit)

    def deadline_ns(self, t_ns: int) -> int:
        """t + D: 1 s, or lease + 2 s where a fault fell into the time, counted only while somebody and the store are up."""
        allowed_ns = self.rules.after_fault_ns
        deadline_ns = self.availability.after(t_ns, self.rules.settle_ns)
        for at_ns in self.upset_ns[bisect_left(self.upset_ns, t_ns - allowed_ns) :]:
            if at_ns > deadline_ns:
                break
            deadline_ns = max(deadline_ns, self.availability.after(max(at_ns, t_ns), allowed_ns))
        return deadline_ns

    def excused(self, attempt: Attempt) -> bool:
        """Whether a fault may have been in the way of accepting it: during the attempt, or not yet lease + 2 s before it."""
        upto = bisect_right(self.upset_ns, attempt.to_ns)
        return upto > 0 and attempt.from_ns <= self.availability.after(self.upset_ns[upto - 1], self.rules.after_fault_ns)


class Availability:
    """When at least one processor and the store were up; always, before and without a word about it."""

    def __init__(self, ups: Iterable[Obs]) -> None:
        working: set[str] = set()
        store = True
        self._changes: list[tuple[int, bool]] = [(-NEVER_NS, True)]
        for obs in ups:
            if obs.proc == STORE:
                store = obs.what == "up"
            elif obs.what == "up":
                working.add(obs.proc)
            else:
                working.discard(obs.proc)
            up = store and bool(working)
            if up != self._changes[-1][1]:
                self._changes.append((obs.t_ns, up))

    def after(self, t_ns: int, duration_ns: int) -> int:
        """The moment at which `duration_ns` of being up will have passed since `t_ns`; NEVER_NS if it never has."""
        changes = self._changes
        if len(changes) == 1:
            return t_ns + duration_ns
        at = bisect_right(changes, (t_ns, True)) - 1
        while True:
            until_ns = changes[at + 1][0] if at + 1 < len(changes) else NEVER_NS
            if changes[at][1]:
                if t_ns + duration_ns <= until_ns:
                    return t_ns + duration_ns
                duration_ns -= until_ns - t_ns
            if until_ns == NEVER_NS:
                return NEVER_NS
            t_ns, at = until_ns, at + 1
