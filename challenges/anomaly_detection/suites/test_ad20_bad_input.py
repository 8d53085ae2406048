"""AD-20: nothing in the bad-input list crashes, hangs or blinds the candidate.

Items go together in groups, each into a service of its own, and after them a MUST step in each of these services and in
one more must be detected. Only what goes wrong for an item alone, on a fresh process, is charged to that item: a crash
at once, blindness if a control without the item sees the step and 3 of 5 seeds agree. A group of which no item fails
alone is charged as a sequence, if a second seed confirms it.
"""

from __future__ import annotations

import zlib
from collections.abc import Sequence
from dataclasses import dataclass, field
from typing import Any

import numpy as np
import pytest

from challenges.anomaly_detection.alerts import Declared, SeenAlert
from challenges.anomaly_detection.badinput import FOR_ALL, FOR_NATIVE, Item, Kind
from challenges.anomaly_detection.detector import Detector
from challenges.anomaly_detection.onsets import alerted
from challenges.anomaly_detection.pictures import timeline
from challenges.anomaly_detection.playback import Playback, log_json
from challenges.anomaly_detection.scenarios import SEEDS, SERVICES, Span, Strength, first_step_s, spiky, stream_start_ms
from challenges.anomaly_detection.traffic import Traffic, generate
from harness.errors import CandidateBrokeProtocol, CandidateDied, CandidateFailure, CandidateHung, RpcError
from harness.runtime.trial import Trial, Undecided, Violation

STRENGTH = Strength(rate=40.0, p0=0.005, p1=0.75)
OTHER = "other"
QUICK_GROUP = 8
ITEM_EVERY_S = 1.0
# Longer than the silence that makes an alert an onset: an alert about the item itself does not hide the step.
QUIET_S = 45.0
REPLY_S = 5.0
EXIT_S = 2.0
LATE_REPLY_S = 0.2
MOST_REPLIES = 4
_FIRST_ID = 1 << 40
_RIGHT = ""


def service_of(item: Item) -> str:
    """The service that an item concerns: its own name where the name is the item."""
    if item.kind is Kind.LINE:
        return OTHER
    return item.service or ordinary_name(zlib.crc32(item.key.encode()))


def ordinary_name(number: int) -> str:
    """A name that tells a candidate nothing of what it is tested with."""
    return f"{SERVICES[number % len(SERVICES)]}-{number % 9973}"


@dataclass(slots=True)
class Run:
    """One process, some items, then a MUST step everywhere. `problem` is empty if all went right."""

    items: Sequence[Item]
    traffic: Traffic
    spike: Span
    allowed: Span
    delivered: list[tuple[int, Item]] = field(default_factory=list)
    alerts: list[SeenAlert] = field(default_factory=list)
    missed: list[str] = field(default_factory=list)
    failure: CandidateFailure | RpcError | None = None

    @property
    def problem(self) -> str:
        """What went wrong, in a few words."""
        if self.failure is not None:
            after = f" after {self.delivered[-1][1].key}" if self.delivered else ""
            return f"{_verb(self.failure)}{after}: {self.failure}"
        if self.missed:
            return f"the MUST step after it went unnoticed in {', '.join(repr(name[:60]) for name in self.missed)}"
        return _RIGHT

    def picture(self) -> dict[str, Any]:
        """The first service that missed its step (or the first), with the items as marks."""
        service = (self.missed or [self.traffic.services[0]])[0]
        window = Span(max(self.traffic.start_ms, self.spike.from_ms - 120_000), self.allowed.to_ms)
        marks = [(Span(at_ms, at_ms + 250), item.key) for at_ms, item in self.delivered]
        step = (Span(self.spike.from_ms, self.allowed.to_ms), "MUST step")
        title = f"Bad input ({', '.join(item.key for item in self.items) or 'none'}), then a step in {service[:60]!r}"
        alerts = self.alerts
        return timeline(title, self.traffic, service, alerts, truth=[*marks, step], allowed=[self.allowed], window=window)


def _verb(failure: CandidateFailure | RpcError) -> str:
    if isinstance(failure, CandidateDied):
        return "it crashed"
    if isinstance(failure, CandidateHung):
        return "it hung"
    return "it refused a proper request" if isinstance(failure, RpcError) else "it broke the protocol"


def run(trial: Trial, items: Sequence[Item], seed_key: str, *, control: bool = False) -> Run:
    """Plays one stream to a fresh process: with the items, or as a control without them and under ordinary names."""
    rng = trial.rng(f"AD-20/{seed_key}")
    start_ms = stream_start_ms(rng)
    detector = Detector.start(trial, start_ms)
    declared = detector.declared
    items_s = first_step_s(declared, rng)
    step_s = items_s + len(items) * ITEM_EVERY_S + QUIET_S
    told = prepared([] if control else items, len(items), declared, start_ms, step_s, rng)
    todo = [(start_ms + round((items_s + n * ITEM_EVERY_S) * 1000), item) for n, item in enumerate(told.items)]
    try:
        play(detector, told, todo)
    except (CandidateFailure, RpcError) as failure:
        told.failure = failure
    detector.close()
    told.alerts = detector.alerts
    span = told.allowed
    # Raw alerts, not onsets: one that was alerting before the step is noisy, which AD-03 judges, and not blind.
    told.missed = [name for name in told.traffic.services if not alerted(told.alerts, name, span.from_ms, span.to_ms)]
    return told


def prepared(
    items: Sequence[Item], planned: int, declared: Declared, start_ms: int, step_s: float, rng: np.random.Generator
) -> Run:
    """The stream of one run: a service for each item that has one, or as many ordinary ones, and one more."""
    end_s = step_s + declared.onset_limit_ms / 1000 + 1
    concerned = [service_of(item) for item in items] or [ordinary_name(n) for n in range(planned)]
    odd = {service_of(item) for item in items if item.kind is Kind.ODD_CASE}
    names = list(dict.fromkeys([OTHER, *concerned]))
    sources = [spiky(name, STRENGTH, [(step_s, end_s)], odd_case=name in odd) for name in names]
    traffic = generate(sources, start_ms, end_s, rng)
    step_ms = start_ms + round(step_s * 1000)
    return Run(items, traffic, Span(step_ms, traffic.end_ms), Span(step_ms, step_ms + declared.onset_limit_ms))


def play(detector: Detector, told: Run, todo: Sequence[tuple[int, Item]]) -> None:
    """The stream up to the last service's onset, with each item delivered at its time."""
    waiting = set(told.traffic.services)
    pending = list(todo)

    def seen_all(alert: SeenAlert) -> bool:
        if alerted([alert], alert.service, told.allowed.from_ms, told.allowed.to_ms):
            waiting.discard(alert.service)
        return not waiting

    for step in Playback(told.traffic):
        while pending and step.now_ms >= pending[0][0]:
            _, item = pending.pop(0)
            told.delivered.append((detector.newest_ms, item))
            deliver(detector, item)
        if detector.play([step], until=seen_all):
            return


# -- delivery ------------------------------------------------------------------------------------------------------------------


def deliver(detector: Detector, item: Item) -> None:
    """One item at the stream's present time. Raises CandidateFailure if it crashes, hangs or speaks nonsense."""
    now_ms = detector.newest_ms
    if item.log is not None:
        deliver_log(detector, item.log(now_ms, service_of(item)), service_of(item), now_ms)
    elif item.line is not None:
        number = _FIRST_ID + now_ms % 1_000_000
        detector.process.send_bytes(item.line(now_ms, number) + b"\n")
        settle(detector, number, now_ms)


def good_log(now_ms: int, service: str) -> bytes:
    """A log that is to be accepted."""
    return log_json(str(now_ms), service, "info", "hello")


def ingest_line(number: int, now_ms: int, logs: bytes) -> bytes:
    """An `ingest` with an id of our own."""
    params = b'{"now_ms":%d,"logs":[%b]}' % (now_ms, logs)
    return b'{"jsonrpc":"2.0","id":%d,"method":"ingest","params":%b}\n' % (number, params)


def deliver_log(detector: Detector, log: bytes, service: str, now_ms: int) -> None:
    """The item as a batch of its own, then between two good logs. An error as answer is no crash."""
    good = good_log(now_ms, service)
    for n, logs in enumerate((log, good + b"," + log + b"," + good)):
        number = _FIRST_ID + 4 * (now_ms % 1_000_000) + 2 * n
        detector.process.send_bytes(ingest_line(number, now_ms, logs))
        if is_out_of_range(log):
            settle(detector, number, now_ms)
        elif detector.process.read_reply(REPLY_S) is None:
            raise CandidateHung(f"no reply within {REPLY_S:g} s to an ingest that holds {log[:120]!r}")


def is_out_of_range(log: bytes) -> bool:
    """Whether a strict reader of JSON may take the whole line for broken, and stay silent: 1e999 fits no double."""
    return b"1e999" in log


def settle(detector: Detector, number: int, now_ms: int) -> None:
    """After a bad line a proper request must be answered; the line itself may be answered before that, or not at all."""
    process, ours = detector.process, number + 1
    process.send_bytes(ingest_line(ours, now_ms, good_log(now_ms, OTHER)))
    for _ in range(MOST_REPLIES):
        try:
            reply = process.read_reply(REPLY_S)
        except CandidateBrokeProtocol:
            # The answer to the bad line may itself be odd (a JSON-RPC batch gets a list): the next one counts.
            continue
        if reply is None:
            raise CandidateHung(f"no reply within {REPLY_S:g} s to a proper request that follows a bad line")
        if reply.get("id") == ours:
            break
    else:
        raise CandidateHung(f"{MOST_REPLIES} messages came after a bad line, none of them the reply to the next request")
    if "pipelining" in process.capabilities:
        # Only such a candidate may answer the bad line after the request that follows it.
        process.read_reply(LATE_REPLY_S)


def end_of_input(trial: Trial, item: Item) -> str:
    """Half a line, then the end of the input, on a process of its own: what went wrong, or nothing."""
    start_ms = stream_start_ms(trial.rng("AD-20/end"))
    process = trial.start(wall_ms=start_ms)
    if item.line is not None:
        process.send_bytes(item.line(start_ms, _FIRST_ID))
    status = process.finish(EXIT_S)
    if status is None:
        return f"half a line and then the end of its input: it was still running {EXIT_S:g} s later"
    return f"half a line and then the end of its input: it died of signal {-status}" if status < 0 else _RIGHT


# -- judging -------------------------------------------------------------------------------------------------------------------


@dataclass(slots=True)
class Charge:
    """What is held against one item, or against a sequence of items."""

    items: list[Item]
    problem: str
    run: Run | None

    def violation(self, all_charges: Sequence[Charge]) -> Violation:
        keys = [item.key for item in self.items]
        failure = self.run.failure if self.run is not None else None
        more: dict[str, Any] = {}
        if isinstance(failure, CandidateFailure) and failure.stderr_tail:
            more["stderr"] = failure.stderr_tail[-1500:]
        blamed = ", ".join("+".join(item.key for item in charge.items) for charge in all_charges)
        return Violation(
            f"bad input {' then '.join(keys)}: {self.problem}"[:400],
            witness={
                "cases": keys,
                "items": [item.shown() for item in self.items],
                "expected": "no crash, no hang, and a MUST step afterwards is detected in the same and in another service",
                "got": self.problem[:1500],
                "charged": blamed,
                **more,
            },
        )


def alone(trial: Trial, item: Item) -> tuple[Charge | None, bool]:
    """Judges one item on fresh processes: what it is charged with, and whether its first run alone was all right.

    Raises CandidateFailure or RpcError where the candidate fails without the item just the same.
    """
    if item.kind is Kind.END:
        problem = end_of_input(trial, item)
        return (Charge([item], problem, None), False) if problem else (None, True)
    first = run(trial, [item], SEEDS[0])
    if first.failure is not None:
        if (same := run(trial, [item], SEEDS[0], control=True).failure) is not None:
            raise same
        return Charge([item], first.problem, first), False
    if not first.missed:
        return None, True
    return confirmed(trial, item, first), False


def confirmed(trial: Trial, item: Item, first: Run) -> Charge | None:
    """Blindness after an item is charged if the same stream without it is seen through, on 3 of 5 seeds."""
    keys = SEEDS[:1] if trial.replaying else SEEDS
    wrong = 0
    for number, key in enumerate(keys):
        with_item = first if number == 0 else run(trial, [item], key)
        wrong += bool(with_item.problem and not run(trial, [item], key, control=True).problem)
        if trial.fails(wrong, len(keys)):
            return Charge([item], first.problem, first)
        if not trial.fails(wrong + len(keys) - 1 - number, len(keys)):
            return None
    return None


@dataclass(slots=True)
class Findings:
    """What is known so far: the result of each item, the charges, and the items of which nothing can be said."""

    results: dict[str, str] = field(default_factory=dict)
    charges: list[Charge] = field(default_factory=list)
    unknown: list[str] = field(default_factory=list)
    shown: Run | None = None


def judge(trial: Trial, group: Sequence[Item], findings: Findings) -> None:
    """Judges the items of one group, together first where they are several."""
    together = run(trial, group, f"group/{group[0].key}") if len(group) > 1 else None
    if together is not None and not together.problem:
        findings.shown = findings.shown or together
        findings.results |= dict.fromkeys((item.key for item in group), "harmless")
        return
    right = [judge_alone(trial, item, findings) for item in group]
    if together is None or not all(right):
        return
    second, control = (run(trial, group, f"again/{group[0].key}", control=control) for control in (False, True))
    if second.problem and not control.problem:
        findings.charges.append(Charge(list(group), f"harmless one by one, but in sequence: {second.problem}", second))


def judge_alone(trial: Trial, item: Item, findings: Findings) -> bool:
    """Judges one item; whether it was all right at once."""
    charge, right = alone(trial, item)
    if charge is not None:
        findings.charges.append(charge)
    elif not right:
        findings.unknown.append(item.key)
    findings.results[item.key] = charge.problem if charge else "harmless" if right else "step unnoticed without it too"
    return right


def groups_of(trial: Trial, items: Sequence[Item]) -> list[list[Item]]:
    """Several together in the quick profile, one by one in the full; what a witness names together stays together."""
    size = max(1, len(items)) if trial.replaying else QUICK_GROUP if trial.quick else 1
    return [list(items[at : at + size]) for at in range(0, len(items), size)]


@pytest.mark.requirement("AD-20")
def test_bad_input(trial: Trial) -> None:
    items = trial.cases(FOR_ALL + (FOR_NATIVE if trial.native else ()), key=lambda item: item.key)
    ends = [[item] for item in items if item.kind is Kind.END]
    groups = groups_of(trial, [item for item in items if item.kind is not Kind.END])
    findings = Findings()
    open_question: Undecided | None = None
    try:
        for group in [*groups, *ends]:
            judge(trial, group, findings)
    except Undecided as error:
        open_question = error
    show(trial, items, findings)
    if findings.charges:
        raise findings.charges[0].violation(findings.charges)
    if findings.unknown:
        raise Undecided(
            f"the step was unnoticed after {len(findings.unknown)} items, but without them too: blindness cannot be told "
            f"from not seeing ({', '.join(findings.unknown[:8])})"
        )
    if open_question is not None:
        raise open_question
    trial.summary(f"{len(items)} bad inputs: no crash, no hang, and every step afterwards was detected")


def show(trial: Trial, items: Sequence[Item], findings: Findings) -> None:
    """The picture of the first charge, or of the first group, and the list of items."""
    charged = next((charge.run for charge in findings.charges if charge.run is not None), None)
    if (pictured := charged or findings.shown) is not None:
        trial.evidence(pictured.picture())
    rows = [[item.key, item.kind.value, findings.results.get(item.key, "not reached")[:200]] for item in items]
    trial.evidence({"kind": "table", "title": "Bad input", "columns": ["item", "kind", "result"], "rows": rows})
