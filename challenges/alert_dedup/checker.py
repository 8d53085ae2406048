"""What is wrong with a history: pure functions, one for each requirement, from a `View` to findings.

Each reading of an uncertain fact is the one in the candidate's favour, so a violation is certain. Where the history ends before the
candidate's time is over, the finding is `undecided`.
"""

from __future__ import annotations

from bisect import bisect_right
from collections.abc import Callable, Iterable, Iterator, Mapping

import msgspec

from challenges.alert_dedup.history import CLOCK_FAULT, STORE_FAILS, Entry, Fault
from challenges.alert_dedup.view import MS, Attempt, Event, Group, Rules, View

VIOLATION = "violation"
UNDECIDED = "undecided"


class Finding(msgspec.Struct, frozen=True):
    """One thing found. `entries`: the numbers of the entries that show it; times in ns of true time."""

    requirement: str
    verdict: str
    severity: str
    summary: str
    fingerprint: str
    from_ns: int
    to_ns: int
    entries: tuple[int, ...] = ()


def check(entries: Iterable[Entry], rules: Rules) -> list[Finding]:
    """All findings of all requirements, in the order of `CHECKS`."""
    view = View(entries, rules)
    return [finding for find in CHECKS.values() for finding in find(view)]


def dd01(view: View) -> Iterator[Finding]:
    """No two groups of one fingerprint with |tr difference| < W - eps."""
    least_ns = view.rules.window_ns - view.rules.eps_ns
    for fingerprint, groups in view.by_fingerprint.items():
        near = False
        for at, one in enumerate(groups):
            for other in groups[at + 1 :]:
                if other.tr_from_ns - one.tr_from_ns >= least_ns:
                    break
                apart_ns = max(other.tr_to_ns - one.tr_from_ns, one.tr_to_ns - other.tr_from_ns)
                if apart_ns < least_ns:
                    text = f"{_name(fingerprint)} was paged twice, for {_name(one.event_id)} and {_name(other.event_id)}, {_ms(apart_ns)} apart"
                    yield _violation("DD-01", "critical", text, fingerprint, one, other)
                    near = True
                    break
        if not near:
            yield from _squeezed(fingerprint, groups, least_ns)


def _squeezed(fingerprint: str, groups: list[Group], least_ns: int) -> Iterator[Finding]:
    """A group whose tr is uncertain, and which is too near to another one wherever in its interval it is read.

    No two of the groups need be too near for certain: between a page early in the interval and one late in it there is no room.
    """
    for group in groups:
        if group.tr_from_ns < group.tr_to_ns:
            crowd = _crowd(group, [other for other in groups if other is not group], least_ns)
            if crowd:
                named = ", ".join(_name(other.event_id) for other in crowd)
                text = (
                    f"{_name(fingerprint)} was paged for {_name(group.event_id)} too near to its pages for {named}, "
                    "at whichever moment between offer and page it is taken to have been raised"
                )
                seen = tuple(one.emits[0].i for one in (*crowd, group))
                to_ns = max(group.out_ns, crowd[-1].tr_to_ns)
                yield Finding("DD-01", VIOLATION, "critical", text, fingerprint, group.tr_from_ns, to_ns, tuple(sorted(seen)))
                return


def _crowd(group: Group, others: list[Group], least_ns: int) -> list[Group]:
    """Others of which one is too near, however it is read itself, at every moment of the group's tr; none if there is room."""
    crowd: list[Group] = []
    free_ns = group.tr_from_ns  # the first moment that is not taken yet
    while free_ns <= group.tr_to_ns:
        taking = [o for o in others if o.tr_to_ns - least_ns < free_ns < o.tr_from_ns + least_ns]
        if not taking:
            return []
        crowd.append(max(taking, key=lambda other: other.tr_from_ns))
        free_ns = crowd[-1].tr_from_ns + least_ns
    return crowd


def dd02(view: View) -> Iterator[Finding]:
    """Every emission names an event that was offered with that fingerprint, and was not merely refused."""
    for emit in view.emits:
        event = view.events.get(emit.event_id)
        attempts = event.attempts if event is not None else []
        offered = [a for a in attempts if a.from_ns <= emit.t_ns and a.fingerprint == emit.fingerprint]
        if not offered:
            reason = "that was never offered" if not attempts else "that had not been offered with this fingerprint"
        elif all(a.outcome == "fail" for a in attempts):
            reason = "all of whose offers were refused for certain"
        else:
            continue
        text = f"{_name(emit.fingerprint)} was paged for the event {_name(emit.event_id)}, {reason}"
        seen = (emit.i, *(a.i for a in attempts))
        yield Finding("DD-02", VIOLATION, "critical", text, emit.fingerprint, emit.t_ns, emit.t_ns, seen)


def dd03(view: View) -> Iterator[Finding]:
    """No alert_id twice, but once more for each kill and over-lease pause between its reservation and the repeat."""
    upset = [fault for fault in view.faults if not fault.fault.startswith(CLOCK_FAULT)]
    ambiguous = _ambiguous(upset, view)
    for group in view.groups.values():
        if len(group.emits) < 2:
            continue
        last = group.emits[-1]
        excuses = sum(group.tr_from_ns <= at_ns <= last.t_ns for at_ns in ambiguous)
        if len(group.emits) - 1 > excuses:
            severity = "major" if upset else "critical"
            text = f"the alert {_name(group.alert_id)} of {_name(group.fingerprint)} went out {len(group.emits)} times" + (
                f", with {excuses} kills or long pauses on the way" if upset else " in a run without a fault"
            )
            seen = tuple(emit.i for emit in group.emits)
            yield Finding("DD-03", VIOLATION, severity, text, group.fingerprint, group.out_ns, last.t_ns, seen)


def _ambiguous(upset: Iterable[Fault], view: View) -> list[int]:
    """When a processor or the store was killed, or the store failed, or a processor was paused for longer than its lease."""
    moments = []
    paused: dict[str, int] = {}
    for fault in upset:
        if fault.fault in ("kill", STORE_FAILS):
            moments.append(fault.t_ns)
        elif fault.fault == "pause":
            paused[fault.proc] = fault.t_ns
        elif fault.fault == "resume" and fault.proc in paused:
            since_ns = paused.pop(fault.proc)
            if fault.t_ns - since_ns >= view.rules.lease_ns:
                moments.append(since_ns)
    return moments + list(paused.values())


def dd04(view: View) -> Iterator[Finding]:
    """Within retention, an event never yields a second alert_id, redelivered or not."""
    for event in view.events.values():
        if len(event.emits) < 2:
            continue
        first = min(event.emits, key=lambda emit: emit.t_ns)
        for emit in event.emits:
            if emit.alert_id == first.alert_id:
                continue
            begun_ns = event.attempts[0].from_ns
            cause = max(
                (a for a in event.attempts if a.from_ns <= emit.t_ns), key=lambda a: a.from_ns, default=event.attempts[0]
            )
            if cause.from_ns - begun_ns <= view.rules.retention_ns - view.rules.eps_ns:
                text = f"the event {_name(event.event_id)} of {_name(emit.fingerprint)} yielded a second alert_id"
                seen = (*(a.i for a in event.attempts), first.i, emit.i)
                yield Finding("DD-04", VIOLATION, "critical", text, emit.fingerprint, first.t_ns, emit.t_ns, seen)
                break


def dd05(view: View) -> Iterator[Finding]:
    """An `emit` in a reply has an emission that names the event; without one, the answer is another."""
    for event in view.events.values():
        for attempt in event.attempts:
            if attempt.outcome == "ok":
                finding = _promised(view, event, attempt) if attempt.decision == "emit" else _denied(event, attempt)
                if finding is not None:
                    yield finding


def _promised(view: View, event: Event, attempt: Attempt) -> Finding | None:
    if event.emits and min(emit.t_ns for emit in event.emits) <= attempt.to_ns:
        return None
    deadline_ns = view.deadline_ns(attempt.to_ns)
    if any(emit.t_ns <= deadline_ns for emit in event.emits):
        return None
    verdict = VIOLATION if view.end_ns >= deadline_ns else UNDECIDED
    text = f"the offer of {_name(event.event_id)} was answered emit, and no emission in time names it"
    return Finding("DD-05", verdict, "minor", text, attempt.fingerprint, attempt.from_ns, attempt.to_ns, (attempt.i,))


def _denied(event: Event, attempt: Attempt) -> Finding | None:
    """Wrong if the event had gone out by then, or went out later without another attempt that can have caused it."""
    if not event.emits:
        return None
    first = min(event.emits, key=lambda emit: emit.t_ns)
    if first.t_ns >= attempt.to_ns:
        others = (a for a in event.attempts if a is not attempt and a.outcome != "fail")
        if any(a.from_ns <= first.t_ns and a.decision in ("", "emit") for a in others):
            return None
    text = f"the offer of {_name(event.event_id)} was answered {attempt.decision}, and an emission names it"
    from_ns, to_ns = min(attempt.from_ns, first.t_ns), max(attempt.to_ns, first.t_ns)
    return Finding("DD-05", VIOLATION, "minor", text, attempt.fingerprint, from_ns, to_ns, (attempt.i, first.i))


def dd10(view: View) -> Iterator[Finding]:
    """Every accepted event has its emission or a cover in time; offers are refused or lost only where a fault excuses it."""
    for event in view.events.values():
        accepted: list[Attempt] = []
        for attempt in event.attempts:
            if attempt.outcome == "ok":
                accepted.append(attempt)
            elif not attempt.malformed and not view.excused(attempt):
                yield _refused(event, attempt)
        if accepted and not any(_covered(view, event, attempt) for attempt in accepted):
            yield _lost(view, event, accepted[-1])


def _covered(view: View, event: Event, attempt: Attempt) -> bool:
    groups = view.by_fingerprint.get(attempt.fingerprint)
    if not groups:
        return False
    rules, from_ns, to_ns = view.rules, attempt.from_ns, attempt.to_ns
    beyond_ns = rules.window_ns + rules.skew_ns + rules.eps_ns
    for at in range(_begun(groups, to_ns) - 1, -1, -1):
        group = groups[at]
        if from_ns > group.reach_ns + beyond_ns:
            break
        until_ns = group.end_ns + beyond_ns
        if from_ns <= until_ns and (group.out_ns <= to_ns or group.out_ns <= view.deadline_ns(min(to_ns, until_ns))):
            return True
    # Its own emission covers it, however late it was offered once more.
    return any(
        emit.fingerprint == attempt.fingerprint
        and view.groups[emit.alert_id].fingerprint == emit.fingerprint
        and (emit.t_ns <= to_ns or emit.t_ns <= view.deadline_ns(to_ns))
        for emit in event.emits
    )


def _begun(groups: list[Group], t_ns: int) -> int:
    """How many of the groups have begun by then."""
    if groups[-1].tr_from_ns <= t_ns:
        return len(groups)
    return bisect_right(groups, t_ns, key=lambda group: group.tr_from_ns)


def _lost(view: View, event: Event, attempt: Attempt) -> Finding:
    deadline_ns = view.deadline_ns(attempt.to_ns)
    verdict = VIOLATION if view.end_ns >= deadline_ns else UNDECIDED
    text = f"the event {_name(event.event_id)} of {_name(attempt.fingerprint)} was accepted ({attempt.decision}), and no page in time covers it"
    return Finding("DD-10", verdict, "critical", text, attempt.fingerprint, attempt.from_ns, attempt.to_ns, (attempt.i,))


def _refused(event: Event, attempt: Attempt) -> Finding:
    how = {"fail": "refused", "info": "left without a definite reply", "open": "not answered when the history ended"}[
        attempt.outcome
    ]
    verdict = UNDECIDED if attempt.outcome == "open" else VIOLATION
    text = f"the offer of {_name(event.event_id)} to {attempt.proc} was {how}, and no fault was in its way"
    to_ns = attempt.from_ns if attempt.outcome == "open" else attempt.to_ns
    return Finding("DD-10", verdict, "critical", text, attempt.fingerprint, attempt.from_ns, to_ns, (attempt.i,))


def dd11(view: View) -> Iterator[Finding]:
    """Past the end of its window a fingerprint is paged again, at the latest 3 s late. See `lateness` for the credit."""
    for event, attempt, late_ns in _late(view):
        if late_ns > view.rules.skew_ns:
            text = f"{_name(attempt.fingerprint)} was still suppressed {_ms(late_ns)} after its window (offer of {_name(event.event_id)})"
            end_ns = attempt.from_ns - late_ns
            yield Finding("DD-11", VIOLATION, "critical", text, attempt.fingerprint, end_ns, attempt.from_ns, (attempt.i,))


def lateness(view: View) -> tuple[int, float]:
    """The longest suppression past the end of a window, in ns, and the credit for it: 1 on time, 0 from 3 s on."""
    worst_ns = max((late_ns for _, _, late_ns in _late(view)), default=0)
    return worst_ns, max(0.0, 1.0 - worst_ns / view.rules.skew_ns)


def _late(view: View) -> Iterator[tuple[Event, Attempt, int]]:
    """Offers accepted without an emission of their own after the end of the latest window; by how much, beyond eps."""
    rules = view.rules
    for event in view.events.values():
        if event.emits:
            continue
        for attempt in event.attempts:
            groups = view.by_fingerprint.get(attempt.fingerprint) if attempt.outcome == "ok" else None
            begun = _begun(groups, attempt.to_ns) if groups else 0
            if groups and begun:
                late_ns = attempt.from_ns - groups[begun - 1].reach_ns - rules.window_ns - rules.eps_ns
                if late_ns > 0:
                    yield event, attempt, late_ns


def dd24(view: View) -> Iterator[Finding]:
    """Who answered with a definite error has not paged for that event, and nobody else does, unless it was offered once more."""
    for emit in view.emits:
        event = view.events.get(emit.event_id)
        begun = [a for a in event.attempts if a.from_ns <= emit.t_ns] if event is not None else []
        if begun and all(attempt.outcome == "fail" for attempt in begun):
            text = f"the offer of {_name(emit.event_id)} was refused for certain, and a page names that event"
            from_ns, to_ns = begun[0].from_ns, max(begun[-1].to_ns, emit.t_ns)
            seen = (*(attempt.i for attempt in begun), emit.i)
            yield Finding("DD-24", VIOLATION, "major", text, emit.fingerprint, from_ns, to_ns, seen)


CHECKS: dict[str, Callable[[View], Iterator[Finding]]] = {
    "DD-01": dd01,
    "DD-02": dd02,
    "DD-03": dd03,
    "DD-04": dd04,
    "DD-05": dd05,
    "DD-10": dd10,
    "DD-11": dd11,
    "DD-24": dd24,
}

# -- DD-20 -----------------------------------------------------------------------------------------------------------------------

NOTHING, NEW_EVENT, REDELIVERY, AFTER_WINDOW = "nothing", "new event", "redelivery", "after the window"
FOLLOW_UPS = (NOTHING, NEW_EVENT, REDELIVERY, AFTER_WINDOW)
CREDIT = {0: 0.0, 1: 0.4, 2: 0.7, 3: 1.0}
SPARE_NS = 500 * MS


class CrashLevel(msgspec.Struct, frozen=True):
    """What became of an alert whose owner died. `level` is None where that is undecided, `why` says what was seen."""

    level: int | None
    credit: float
    why: str


def crash_level(runs: Mapping[str, View], fingerprint: str, *, stored: bool = True) -> CrashLevel:
    """DD-20's level at one crash point, from the runs with each of the `FOLLOW_UPS`.

    `stored` is false at a point before the owner's first request left: the store is then as if there had been no offer, nobody can
    send by himself, and level 2 is as good as 3. Raises KeyError if a run is missing.
    """
    moments = {name: _crash_ns(runs[name]) for name in FOLLOW_UPS}
    if missing := [name for name, at_ns in moments.items() if at_ns is None]:
        return CrashLevel(None, 0.0, f"no kill is proven in the run with {missing[0]!r} to follow")
    quiet, later = runs[NOTHING], runs[AFTER_WINDOW]
    crash_ns = moments[NOTHING] or 0
    deadline_ns = quiet.availability.after(crash_ns, quiet.rules.after_fault_ns)
    if _paged(quiet, fingerprint, deadline_ns):
        return CrashLevel(3, CREDIT[3], "paged without a further offer")
    if stored and quiet.end_ns < deadline_ns:
        return CrashLevel(None, 0.0, "the run without a further offer ended before lease + 2 s")
    for name in (NEW_EVENT, REDELIVERY):
        run = runs[name]
        if _paged(run, fingerprint, (moments[name] or 0) + run.rules.window_ns - SPARE_NS):
            level = 2 if stored else 3
            return CrashLevel(level, CREDIT[level], f"paged on a {name}")
    if _paged(later, fingerprint, later.end_ns):
        return CrashLevel(1, CREDIT[1], "paged for an offer after the window only")
    return CrashLevel(0, CREDIT[0], "never paged")


def _crash_ns(view: View) -> int | None:
    return next((fault.t_ns for fault in view.faults if fault.fault == "kill" and fault.status == "installed"), None)


def _paged(view: View, fingerprint: str, by_ns: int) -> bool:
    return any(group.out_ns <= by_ns for group in view.by_fingerprint.get(fingerprint, ()))


# -- words -----------------------------------------------------------------------------------------------------------------------


def _violation(requirement: str, severity: str, text: str, fingerprint: str, one: Group, other: Group) -> Finding:
    seen = (one.emits[0].i, other.emits[0].i)
    return Finding(requirement, VIOLATION, severity, text, fingerprint, one.tr_from_ns, other.tr_to_ns, seen)


def _name(text: str) -> str:
    """A fingerprint or an id, which the candidate may have made as long as it likes."""
    return repr(text if len(text) <= 60 else text[:59] + "…")


def _ms(ns: int) -> str:
    return f"{ns / MS:.0f} ms"
