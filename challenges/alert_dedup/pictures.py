"""One finding as a picture: a lane for each processor and one for the store, as evidence of kind `lanes`.

Times in a picture are ms of true time since the first thing that it shows.
"""

from __future__ import annotations

import re
from collections import Counter
from collections.abc import Iterable, Iterator, Mapping, Sequence
from typing import Any, NamedTuple

from challenges.alert_dedup.checker import Finding
from challenges.alert_dedup.history import CLOCK_FAULT, STORE, Emit, Entry, Fail, Fault, Info, Invoke, Obs, Ok
from challenges.alert_dedup.view import MS, NEVER_NS, Group, Rules, View

SHORT_WINDOWS = 3
"""A run of at most so many windows is shown whole, a longer one from a window before the finding to one after it."""

MANY_LANES = 8
"""From more processors than that, those that did nothing in the picture are left out."""

AROUND_NS = 50 * MS
"""A round trip belongs to an offer up to that long after its reply, and to an emission as long before and after it."""

_HEX = re.compile(r"\b([0-9a-f]{4})[0-9a-f]{8,}\b( \d+\b)?")
_NAMES = {"kill": "SIGKILL", "pause": "SIGSTOP", "resume": "SIGCONT"}
_OFFSETS = ("offset_ms", "skew_ms", "by_ms", "step_ms")


class _Span(NamedTuple):
    """A state of a processor or of the store, closed or until the end of the history."""

    proc: str
    tone: str
    label: str
    from_ns: int
    to_ns: int


class _Offer(NamedTuple):
    """One attempt: its entries, and [from_ns, to_ns] (to the end of the history where it has no reply)."""

    invoke: Invoke
    reply: Ok | Fail | Info | None
    from_ns: int
    to_ns: int


def picture(
    entries: Sequence[Entry], trips: Iterable[Mapping[str, Any]], rules: Rules, finding: Finding | None = None
) -> dict[str, Any]:
    """Evidence of kind `lanes`: what happened to the finding's fingerprint around it, and every fault there.

    `trips` are rows of the store proxy's log on the time axis of `entries`. Without a finding, all fingerprints of the whole run.
    """
    return _Picture(entries, list(trips), rules, finding).evidence()


def _around(entries: Sequence[Entry], rules: Rules, finding: Finding | None) -> tuple[int, int]:
    """From when to when the picture may reach, in ns."""
    if not entries:
        return 0, 0
    first_ns, last_ns = entries[0].t_ns, entries[-1].t_ns
    if finding is None or last_ns - first_ns <= SHORT_WINDOWS * rules.window_ns:
        return first_ns, last_ns
    seen = set(finding.entries)
    moments = [finding.from_ns, finding.to_ns, *(entry.t_ns for entry in entries if entry.i in seen)]
    # A little more than a window back: that is where the page is whose window counts.
    around_ns = rules.window_ns + rules.settle_ns
    return max(first_ns, min(moments) - around_ns), min(last_ns, max(moments) + rules.window_ns)


class _Picture:
    """One picture in the making."""

    def __init__(
        self, entries: Sequence[Entry], trips: Sequence[Mapping[str, Any]], rules: Rules, finding: Finding | None
    ) -> None:
        self.entries = entries
        self.rules = rules
        self.finding = finding
        self.view = View(entries, rules)
        self.from_ns, self.to_ns = _around(entries, rules, finding)
        self.seen = frozenset(finding.entries) if finding else frozenset()
        self.marks: list[dict[str, Any]] = []
        self.spans: list[dict[str, Any]] = []
        self.links: list[dict[str, Any]] = []
        self.offers = [offer for offer in _offers(entries, self.view.end_ns) if self._shows(offer)]
        self.emits = [entry for entry in entries if isinstance(entry, Emit) and self._concerns(entry)]
        self.faults = [
            fault for fault in entries if isinstance(fault, Fault) and fault.status != "skipped" and self._near(fault.t_ns)
        ]
        self.trips, self.other_trips = self._chosen(trips)
        shown = [entry.t_ns for entry in (*self.emits, *self.faults)] + [offer.from_ns for offer in self.offers]
        shown += [_at(trip, "t_ns") for trip in self.trips]
        self.origin_ns = max(self.from_ns, min(shown, default=self.from_ns))

    def evidence(self) -> dict[str, Any]:
        """The evidence, its marks and spans in order of time."""
        self._draw_offers()
        self._draw_emits()
        self._draw_faults()
        for trip in self.trips:
            self._draw_trip(trip)
        last_ns = self._last_ns()
        self._draw_states(last_ns)
        self._draw_windows(last_ns)
        return {
            "kind": "lanes",
            "title": self._title(),
            "unit": "ms",
            "caption": self._caption(),
            "lanes": self._lanes(),
            "marks": sorted(self.marks, key=lambda mark: float(mark["at"])),
            "spans": sorted(self.spans, key=lambda span: float(span["from"])),
            "links": sorted(self.links, key=lambda link: float(link["from"])),
            "shaded": self._shaded(),
            "notes": self._notes(),
        }

    # -- what is shown

    def _near(self, t_ns: int) -> bool:
        return self.from_ns <= t_ns <= self.to_ns

    def _ours(self, fingerprint: str) -> bool:
        return self.finding is None or fingerprint == self.finding.fingerprint

    def _concerns(self, emit: Emit) -> bool:
        return emit.i in self.seen or (self._ours(emit.fingerprint) and self._near(emit.t_ns))

    def _shows(self, offer: _Offer) -> bool:
        near = offer.from_ns <= self.to_ns and offer.to_ns >= self.from_ns
        return offer.invoke.i in self.seen or (near and self._ours(offer.invoke.fingerprint))

    def _chosen(self, trips: Sequence[Mapping[str, Any]]) -> tuple[list[Mapping[str, Any]], int]:
        """The round trips of what is shown, and how many others there were at the time."""
        near = [trip for trip in trips if _at(trip, "t_ns") <= self.to_ns and _ended(trip, self.view.end_ns) >= self.from_ns]
        times: dict[str, list[tuple[int, int]]] = {}
        for offer in self.offers:
            times.setdefault(offer.invoke.proc, []).append((offer.from_ns, offer.to_ns + AROUND_NS))
        for emit in self.emits:
            times.setdefault(emit.proc, []).append((emit.t_ns - AROUND_NS, emit.t_ns + AROUND_NS))

        def belongs(trip: Mapping[str, Any]) -> bool:
            at_ns = _at(trip, "t_ns")
            named = (
                self.finding is not None
                and len(self.finding.fingerprint) > 3
                and self.finding.fingerprint in str(trip.get("text"))
            )
            return named or any(a <= at_ns <= b for a, b in times.get(str(trip.get("processor")), ()))

        chosen = [trip for trip in near if belongs(trip)]
        return chosen, len(near) - len(chosen)

    # -- how it is drawn

    def _ms(self, t_ns: int) -> float:
        return round((min(max(t_ns, self.origin_ns), max(self.to_ns, t_ns)) - self.origin_ns) / MS, 4)

    def _mark(self, entry: Entry, glyph: str, label: str, detail: str = "", *, strong: bool | None = None) -> None:
        told = entry.i in self.seen if strong is None else strong
        clock = f"its clock: {entry.clock_ns / MS:.0f} ms" if entry.clock_ns is not None else ""
        text = "; ".join(part for part in (detail, clock) if part)
        self.marks.append(
            {"lane": entry.proc, "at": self._ms(entry.t_ns), "glyph": glyph, "label": label, "detail": text, "strong": told}
        )

    def _span(
        self, lane: str, tone: str, from_ns: int, to_ns: int, label: str, detail: str = "", *, strong: bool = False
    ) -> None:
        ends = {"from": self._ms(from_ns), "to": self._ms(to_ns)}
        self.spans.append({"lane": lane, **ends, "tone": tone, "label": label, "detail": detail, "strong": strong})

    def _draw_offers(self) -> None:
        for offer in self.offers:
            invoke, reply = offer.invoke, offer.reply
            strong = invoke.i in self.seen
            again = f" #{invoke.attempt}" if invoke.attempt > 1 else ""
            detail = f"event {invoke.event_id!r}, fingerprint {invoke.fingerprint!r}, attempt {invoke.attempt}"
            glyph = "offer" if self._inside(invoke.t_ns) else "note"
            self._mark(invoke, glyph, f"offer {_short(invoke.event_id)}{again}", detail)
            self._span(
                invoke.proc, "work", offer.from_ns, offer.to_ns, "", f"offer of {invoke.event_id!r} under way", strong=strong
            )
            answered = f"to the offer of {invoke.event_id!r}"
            match reply:
                case Ok():
                    self._mark(reply, "reply", f"“{_short(reply.decision)}”", f"reply {answered}", strong=strong)
                case Fail():
                    self._mark(reply, "refusal", f"refused {reply.code}" if reply.code else "refused", answered, strong=strong)
                case Info():
                    self._mark(reply, "silence", "no reply", f"{answered} {reply.reason}".strip(), strong=strong)

    def _inside(self, t_ns: int) -> bool:
        return t_ns >= self.origin_ns

    def _draw_emits(self) -> None:
        for emit in self.emits:
            detail = f"alert {emit.alert_id!r} for event {emit.event_id!r}, fingerprint {emit.fingerprint!r}"
            if emit.torn:
                self._mark(emit, "torn", f"torn {_short(emit.alert_id)}", f"{detail}; half a line, does not count")
            else:
                self._mark(emit, "emit", f"emit {_short(emit.alert_id)} for {_short(emit.event_id)}", detail)

    def _draw_faults(self) -> None:
        for fault in self.faults:
            moved = fault.fault.startswith(CLOCK_FAULT)
            glyph = fault.fault if fault.fault in _NAMES else "clock" if moved else "fault"
            doubt = "?" if fault.status != "installed" else ""
            label = _offset(fault) if moved else _NAMES.get(fault.fault, fault.fault)
            told = ", ".join(f"{key} {value}" for key, value in fault.evidence.items())
            self._mark(fault, glyph, label + doubt, "; ".join(part for part in (fault.fault, fault.status, told) if part))
        for obs in _restarts(self.entries):
            if self._near(obs.t_ns) and self._inside(obs.t_ns):
                self._mark(obs, "up", "up again")

    def _last_ns(self) -> int:
        """When the last thing drawn so far, or the shaded interval, is over."""
        shaded = self._shaded()
        ends = [*(float(span["to"]) for span in self.spans), *(float(mark["at"]) for mark in self.marks)]
        return self.origin_ns + round(max([0.0, *ends, *([float(shaded["to"])] if shaded else [])]) * MS)

    def _draw_states(self, last_ns: int) -> None:
        for state in _states(self.entries, self.view.end_ns):
            from_ns, to_ns = max(state.from_ns, self.origin_ns), min(state.to_ns, last_ns)
            if from_ns < to_ns:
                self._span(state.proc, state.tone, from_ns, to_ns, state.label)

    def _draw_windows(self, last_ns: int) -> None:
        """The window that each page opens, on the lane of who sent it, as far as anything else is shown."""
        for group in self._groups():
            from_ns, full_ns = group.tr_from_ns, group.tr_from_ns + self.rules.window_ns
            if full_ns <= self.origin_ns or from_ns > last_ns:
                continue
            detail = f"from the first offer of {group.event_id!r}, for {self.rules.window_ns / MS:,.0f} ms"
            label = f"window of {_short(group.alert_id)}"
            if full_ns > last_ns:
                label += f" → {self._ms(full_ns):,.0f}"
            self._span(group.emits[0].proc, "window", max(from_ns, self.origin_ns), min(full_ns, last_ns), label, detail)

    def _groups(self) -> Iterator[Group]:
        if self.finding is not None:
            yield from self.view.by_fingerprint.get(self.finding.fingerprint, ())

    def _draw_trip(self, trip: Mapping[str, Any]) -> None:
        """A round trip: the request's way to the store, its time there, and the answer's way back, as far as each went."""
        proc, text, fate = str(trip.get("processor")), str(trip.get("text") or trip.get("kind") or ""), str(trip.get("fate"))
        sent_ns, forwarded_ns, answered_ns = (_at(trip, key) for key in ("t_ns", "forwarded_ns", "answered_ns"))
        ended_ns = max(_ended(trip, self.view.end_ns), sent_ns)
        label = command(text)
        ask = {"lane": proc, "from": self._ms(sent_ns), "to_lane": STORE, "tone": "ask", "label": label}
        if not forwarded_ns:
            self.links.append(ask | {"to": self._ms(ended_ns), "broken": True})
            self._cut(proc, sent_ns, label, f"{text}; {fate}: the store saw nothing of it")
            return
        self.links.append(ask | {"to": self._ms(forwarded_ns), "broken": False})
        told = "; ".join(
            part for part in (f"{proc}: {text}", f"answer {trip.get('reply')}" if trip.get("reply") else "", fate) if part
        )
        self._span(STORE, "trip", forwarded_ns, answered_ns or ended_ns, label, told)
        if answered_ns:
            delivered = fate in ("delivered", "under way", "went on")
            answer = {"lane": STORE, "from": self._ms(answered_ns), "to_lane": proc, "to": self._ms(ended_ns), "tone": "answer"}
            self.links.append(answer | {"label": f"answer to {label}", "broken": not delivered})
            if not delivered:
                self._cut(STORE, answered_ns, "answer cut", f"{text}; {fate}: the store had answered")

    def _cut(self, lane: str, t_ns: int, label: str, detail: str) -> None:
        mark = {"lane": lane, "at": self._ms(t_ns), "glyph": "fault", "label": label, "detail": detail, "strong": False}
        self.marks.append(mark)

    # -- what is said

    def _lanes(self) -> list[dict[str, str]]:
        procs = {entry.proc for entry in self.entries if not (isinstance(entry, Obs) and entry.what not in ("up", "down"))}
        procs |= {str(trip.get("processor")) for trip in self.trips}
        busy = {str(item["lane"]) for item in (*self.marks, *self.spans)}
        if len(procs) > MANY_LANES:
            procs &= busy
        procs.discard(STORE)
        drifts = _drifts(self.entries)
        return [{"name": proc, "note": drifts.get(proc, "")} for proc in (*sorted(procs, key=_natural), STORE)]

    def _title(self) -> str:
        if self.finding is None:
            return "The run: offers, round trips, emissions, faults"
        return f"{self.finding.requirement}: what happened to the fingerprint {_short(self.finding.fingerprint, 40)}"

    def _caption(self) -> str:
        origin = f"Times are ms of true time; 0 is {(self.origin_ns - self._start_ns()) / MS:,.0f} ms into the run."
        return f"{_short(self.finding.summary, 300)}. {origin}" if self.finding else origin

    def _start_ns(self) -> int:
        return self.entries[0].t_ns if self.entries else 0

    def _notes(self) -> list[str]:
        notes = []
        others = {
            entry.fingerprint for entry in self.entries if isinstance(entry, Invoke) and not self._ours(entry.fingerprint)
        }
        if others:
            notes.append(f"Offers of {len(others):,} other fingerprint{'' if len(others) == 1 else 's'} are not drawn.")
        if self.other_trips:
            notes.append(f"{self.other_trips:,} other round trips of the time are not drawn.")
        return notes

    def _shaded(self) -> dict[str, Any] | None:
        finding = self.finding
        if finding is None:
            return None
        from_ns, to_ns = finding.from_ns, finding.to_ns
        label = _said(finding, self.rules)
        if (deadline_ns := self._deadline_ns(finding)) is not None:
            to_ns = deadline_ns
            what = "emission names" if finding.requirement == "DD-05" else "page covers"
            label = f"no {what} it within {(to_ns - from_ns) / MS:,.0f} ms"
        return {"from": self._ms(from_ns), "to": self._ms(max(from_ns, to_ns)), "label": f"{finding.requirement}: {label}"}

    def _deadline_ns(self, finding: Finding) -> int | None:
        """By when something was due that did not happen, or the end of the history; None where that is not the finding."""
        if finding.requirement not in ("DD-05", "DD-10") or len(finding.entries) != 1:
            return None
        offer = next((offer for offer in self.offers if offer.invoke.i in self.seen), None)
        if offer is None or not isinstance(offer.reply, Ok):
            return None
        deadline_ns = self.view.deadline_ns(offer.to_ns)
        if deadline_ns == NEVER_NS:
            return self.view.end_ns
        return max(min(deadline_ns, self.view.end_ns), finding.to_ns)


def _said(finding: Finding, rules: Rules) -> str:
    """What is wrong with the shaded interval, in a few words."""
    long = f"{(finding.to_ns - finding.from_ns) / MS:,.0f} ms"
    window = f"{rules.window_ns / MS:,.0f} ms"
    match finding.requirement:
        case "DD-01":
            return f"two pages for offers at most {long} apart; the window is {window}"
        case "DD-02":
            return "a page for what was not offered"
        case "DD-03":
            return f"the same alert again after {long}"
        case "DD-04":
            return f"a second alert for one event after {long}"
        case "DD-05":
            return "the reply says one thing, the emissions another"
        case "DD-10":
            return "not accepted, and no fault in the way"
        case "DD-11":
            return f"still suppressed {long} after the window’s end"
        case _:
            return long


def command(text: str) -> str:
    """A command or query as a short label: its first words, digests cut to their beginning (and the number of keys after one)."""
    return _short(_HEX.sub(r"\1…", text), 20)


def _short(text: str, limit: int = 12) -> str:
    return text if len(text) <= limit else text[: limit - 1] + "…"


def _natural(name: str) -> list[tuple[int, str]]:
    """p2 before p10."""
    return [(int(part), "") if part.isascii() and part.isdigit() else (-1, part) for part in re.split(r"(\d+)", name)]


def _at(trip: Mapping[str, Any], key: str) -> int:
    value = trip.get(key)
    return value if isinstance(value, int) else 0


def _ended(trip: Mapping[str, Any], end_ns: int) -> int:
    return _at(trip, "ended_ns") or end_ns


def _offers(entries: Iterable[Entry], end_ns: int) -> list[_Offer]:
    invokes: dict[int, Invoke] = {}
    replies: dict[int, Ok | Fail | Info] = {}
    for entry in entries:
        if isinstance(entry, Invoke):
            invokes[entry.op] = entry
        elif isinstance(entry, Ok | Fail | Info):
            replies[entry.op] = entry
    found = []
    for op, invoke in invokes.items():
        reply = replies.get(op)
        found.append(_Offer(invoke, reply, invoke.t_ns, reply.t_ns if reply else max(end_ns, invoke.t_ns)))
    return found


def _restarts(entries: Iterable[Entry]) -> Iterator[Obs]:
    """Each `up` of whoever was up before; the first is his start, and one that ends a pause is the pause's affair."""
    started: set[str] = set()
    paused: set[str] = set()
    for entry in entries:
        if isinstance(entry, Fault) and entry.fault in ("pause", "resume", "kill"):
            (paused.add if entry.fault == "pause" else paused.discard)(entry.proc)
            if entry.fault == "resume":
                started.discard(entry.proc)
        elif isinstance(entry, Obs) and entry.what == "up":
            if entry.proc in started and entry.proc not in paused:
                yield entry
            started.add(entry.proc)


def _states(entries: Iterable[Entry], end_ns: int) -> list[_Span]:
    """When who was paused or down, and for how long whose clock was moved how."""
    found: list[_Span] = []
    open_: dict[tuple[str, str], tuple[int, str]] = {}

    def close(proc: str, tone: str, t_ns: int) -> None:
        since = open_.pop((proc, tone), None)
        if since is not None:
            found.append(_Span(proc, tone, since[1], since[0], t_ns))

    for entry in entries:
        proc, t_ns = entry.proc, entry.t_ns
        match entry:
            case Fault(status="skipped"):
                continue
            case Fault(fault="pause"):
                open_.setdefault((proc, "paused"), (t_ns, "paused"))
            case Fault(fault="resume"):
                close(proc, "paused", t_ns)
                close(proc, "down", t_ns)
            case Fault(fault="kill"):
                close(proc, "paused", t_ns)
                open_.setdefault((proc, "down"), (t_ns, "down"))
            case Fault(fault=name) if name.startswith(CLOCK_FAULT):
                close(proc, "clock", t_ns)
                open_[(proc, "clock")] = (t_ns, _offset(entry))
            case Obs(what="down") if (proc, "paused") not in open_:
                open_.setdefault((proc, "down"), (t_ns, "down"))
            case Obs(what="up"):
                close(proc, "down", t_ns)
            case _:
                pass
    for proc, tone in list(open_):
        close(proc, tone, end_ns)
    return found


def _offset(fault: Fault) -> str:
    """A fault of a clock in a few words: by how much, where its evidence says so."""
    for key in _OFFSETS:
        value = fault.evidence.get(key)
        if isinstance(value, int | float) and not isinstance(value, bool):
            return _moved(value)
    return fault.fault.replace("_", " ").replace("-", " ")


def _drifts(entries: Iterable[Entry]) -> dict[str, str]:
    """By how much each wall clock is off the commonest one, where entries say what it read; the first reading of each counts."""
    first: dict[str, int] = {}
    for entry in entries:
        if entry.clock_ns is not None:
            first.setdefault(entry.proc, round((entry.clock_ns - entry.t_ns) / (10 * MS)))
    if len(first) < 2:
        return {}
    usual, _ = Counter(first.values()).most_common(1)[0]
    return {proc: _moved((at - usual) * 10) for proc, at in first.items() if abs(at - usual) > 1}


def _moved(by_ms: float) -> str:
    text = f"{by_ms / 1000:+.3g} s" if abs(by_ms) >= 100 else f"{by_ms:+.3g} ms"
    return "clock " + text.replace("-", "−")
