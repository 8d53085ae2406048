"""Clocks that disagree, on the field: set before a run, moved while it goes on, proven; and the courses that are played under them.

The proof of a processor's skew is its own clock, told at its start in answer to a `now_ms` that is hours away; the moves of a clock go
through the page that this answer came from. Where time comes from `now_ms` alone, the requests carry the skew. The store's is read
from the store. A skew that did not take raises Undecided.
"""

from __future__ import annotations

from collections.abc import Callable, Sequence
from dataclasses import dataclass

from challenges.alert_dedup.courses import FINGERPRINT
from challenges.alert_dedup.field import Field, Offer
from challenges.alert_dedup.history import CLOCK_FAULT, STORE
from challenges.alert_dedup.judging import Case
from challenges.alert_dedup.skews import (
    AFTER_RESTART_MS,
    DRIFT_MS,
    JUMPS,
    PROCESSORS,
    RESTART,
    SCENARIOS,
    STEP_MS,
    Scenario,
    check,
    constant,
)
from challenges.alert_dedup.view import MS
from harness.runtime.proxy import PASS, Point, Policy, RoundTrip, Verdict, delay
from harness.runtime.trial import PROBE_SLACK_MS, Undecided

EVERY_MS = 310.0
SOON_MS = 300.0
UNTIL_MS = 11_000.0
JUMPS_UNTIL_MS = 15_600.0
STEADY_MS = 100.0
# How late the first replies of a slow offer are, each: in all below the half second from which a delay counts as a fault of ours,
# and a small part of the lease, which nobody is to lose by it.
LATE_S, LATE_REPLIES, LATE_SHARE = 0.14, 3, 0.25
LOOKS = 18
RESTART_AT_MS = 2000.0
OFFSET = f"{CLOCK_FAULT} offset"


@dataclass(slots=True)
class _Moves:
    """What the clocks did: how many moves, and the largest, in ms."""

    count: int = 0
    largest_ms: float = 0.0


class Clocks:
    """The clocks of one run. `begin` starts it, `until` lets time pass."""

    def __init__(self, field: Field, scenario: Scenario) -> None:
        self.field = field
        self.scenario = scenario
        self._moves = _Moves()

    def begin(self) -> None:
        """A fresh run of new processes, whose clocks are off from the first. Raises Undecided where a skew did not take."""
        field, cluster, scenario = self.field, self.field.cluster, self.scenario
        skews = scenario.at(0.0)
        check(skews, scenario.store_ms)
        for node in cluster.nodes.values():  # nobody is to wait for the store while its clock steps back
            cluster.kill_quietly(node)
        for name, skew_ms in zip(field.names, skews, strict=True):
            cluster.nodes[name].skew_ns = int(skew_ms * MS)
        cluster.skew_store(int(scenario.store_ms * MS))
        field.begin(fresh=field.names)
        for name in field.names:
            self.prove(name)
        self._prove_store()

    def prove(self, name: str) -> None:
        """Takes down how far the clock of this processor is off, with the proof of its last start."""
        node = self.field.cluster.nodes[name]
        evidence: dict[str, object] = {"skew_ms": node.skew_ns / MS}
        if node.clock_proof is None:
            self.field.note_fault(name, OFFSET, evidence=evidence | {"proof": "now_ms carries it: no other clock is read"})
            return
        proof = node.clock_proof
        evidence |= {"own_clock_ms": proof.answered_ms, "told_now_ms": round(proof.said_ms)}
        evidence |= {"asked_at_ms": round(proof.from_ms, 1), "differs_ms": round(proof.off_ms, 1)}
        self._note(name, evidence, abs(proof.off_ms) <= PROBE_SLACK_MS)

    def _prove_store(self) -> None:
        cluster = self.field.cluster
        if cluster.store is None or cluster.store.clock is None:
            return
        before_ms = cluster.time.wall_ms(cluster.store_skew_ns)
        read_ms = cluster.store.wall_ms()
        evidence: dict[str, object] = {"skew_ms": cluster.store_skew_ns / MS, "own_clock_ms": round(read_ms, 1)}
        took = before_ms - PROBE_SLACK_MS <= read_ms <= cluster.time.wall_ms(cluster.store_skew_ns) + PROBE_SLACK_MS
        self._note(STORE, evidence | {"differs_ms": round(read_ms - before_ms, 1)}, took)

    def _note(self, proc: str, evidence: dict[str, object], took: bool) -> None:
        self.field.note_fault(proc, OFFSET, status="installed" if took else "indeterminate", evidence=evidence)
        if not took:
            raise Undecided(f"in {self.scenario.name!r} the clock of {proc} is not where it was put: {evidence}")

    # -- time ------------------------------------------------------------------------------------------------------------------

    def until(self, at_ms: float) -> None:
        """True time passes until that moment of the run, and the clocks move on their way."""
        if not self.scenario.moves:
            self.field.pass_until_ms(at_ms)
            return
        while (now_ms := self.field.now_ms) < at_ms:
            self._set(now_ms)
            self.field.pass_ms(min(at_ms, (now_ms // STEP_MS + 1) * STEP_MS) - now_ms)
        self._set(self.field.now_ms)

    def _set(self, now_ms: float) -> None:
        skews = self.scenario.at(now_ms)
        check(skews, self.scenario.store_ms)
        moved = False
        for name, skew_ms in zip(self.field.names, skews, strict=True):
            node = self.field.cluster.nodes[name]
            by_ms = skew_ms - node.skew_ns / MS
            if by_ms:
                moved, node.skew_ns = True, int(skew_ms * MS)
                self._moves.count += 1
                self._moves.largest_ms = max(self._moves.largest_ms, abs(by_ms))
                if self.scenario.moves == "jump":
                    self.field.note_fault(name, f"{CLOCK_FAULT} jump", evidence={"by_ms": by_ms, "skew_ms": skew_ms})
        if moved:
            self.field.cluster.set_clocks()

    def note_moves(self) -> None:
        """Takes down what the clocks did. Raises Undecided where they were to move and did not."""
        if not self.scenario.moves:
            return
        if not self._moves.count:
            raise Undecided(f"in {self.scenario.name!r} no clock moved")
        evidence = {"moves": self._moves.count, "largest_ms": round(self._moves.largest_ms, 1)}
        for name in self.field.names:
            now_ms = self.field.cluster.nodes[name].skew_ns / MS
            self.field.note_fault(name, f"{CLOCK_FAULT} {self.scenario.moves}", evidence=evidence | {"skew_ms": now_ms})


# -- courses -----------------------------------------------------------------------------------------------------------------------


def everywhere(clocks: Clocks, until_ms: float, from_ms: float = 0.0, fresh: Sequence[tuple[float, int]] = ()) -> None:
    """Three fingerprints, each first to another processor, then to all in turn, every 310 ms: each opens and reads windows.

    `fresh`: from when on there is one fingerprint more, and which processor sees it first.
    """
    field, names = clocks.field, clocks.field.names
    firsts = list(range(len(names)))
    number = 0
    while (at_ms := from_ms + EVERY_MS * number) < until_ms:
        clocks.until(at_ms)
        for which, first in enumerate(firsts):
            field.wait(field.offer(names[(first + number) % len(names)], f"{FINGERPRINT}/{which}"))
        number += 1
        due = len(firsts) - len(names)
        if due < len(fresh) and fresh[due][0] <= at_ms + EVERY_MS:
            firsts.append(fresh[due][1] - number)


def steadily(clocks: Clocks, until_ms: float, first_ms: float = 0.0) -> None:
    """10 offers a second of one fingerprint, to all in turn."""
    names = clocks.field.names
    for number in range(int((until_ms - first_ms) / STEADY_MS)):
        clocks.until(first_ms + STEADY_MS * number)
        clocks.field.wait(clocks.field.offer(names[number % len(names)], FINGERPRINT))


def slowly(clocks: Clocks) -> None:
    """Each processor once has replies that are late, while the others are given ticks: who judges a lease by his own clock alone
    takes for dead what is merely under way."""
    late_s = min(LATE_S, LATE_SHARE * clocks.field.rules.lease_ns / 1e9 / LATE_REPLIES)
    for name in clocks.field.names:
        proxy = clocks.field.cluster.nodes[name].proxy
        if proxy is None:
            return
        usual, proxy.policy = proxy.policy, late_replies(late_s)
        try:
            _wait_with_ticks(clocks, clocks.field.offer(name, f"{FINGERPRINT}/slow {name}"), late_s)
        finally:
            proxy.policy = usual


def late_replies(late_s: float) -> Policy:
    """Holds the first few replies for that long."""
    left = [LATE_REPLIES]

    def policy(_trip: RoundTrip, point: Point) -> Verdict:
        if point is not Point.AFTER or not left[0]:
            return PASS
        left[0] -= 1
        return delay(late_s)

    return policy


def _wait_with_ticks(clocks: Clocks, offer: Offer, late_s: float) -> None:
    field = clocks.field
    for _ in range(LOOKS):
        if field.cluster.run_until(lambda: offer.over, late_s * (LATE_REPLIES + 1) / LOOKS):
            break
        clocks.until(field.now_ms + 1.0)
        field.cluster.send_ticks()
    field.wait(offer)


def constantly(clocks: Clocks) -> None:
    """For clocks that stand: all of it."""
    everywhere(clocks, UNTIL_MS)
    slowly(clocks)


def through_jumps(clocks: Clocks) -> None:
    """Across every jump, with a new alert right after it at the processor whose clock jumped."""
    everywhere(clocks, JUMPS_UNTIL_MS, fresh=[(at_ms + SOON_MS, processor) for at_ms, processor, _ in JUMPS])


def through_strobes(clocks: Clocks) -> None:
    """A second of strobing first: who notices that his clock cannot be trusted has had the time."""
    clocks.until(1000.0)
    everywhere(clocks, 1000.0 + UNTIL_MS, 1000.0)
    slowly(clocks)


def through_drift(clocks: Clocks) -> None:
    """While the clocks drift, and a little longer."""
    steadily(clocks, DRIFT_MS)


def off_the_store(clocks: Clocks) -> None:
    """A minute's half of steady offers."""
    steadily(clocks, DRIFT_MS)
    slowly(clocks)


def across_restart(clocks: Clocks) -> None:
    """The first processor is killed in the midst of a window and started again with its clock 3 s back; it sees new alerts at once."""
    field = clocks.field
    first, node = field.names[0], field.cluster.nodes[field.names[0]]
    old = [field.offer(name, f"{FINGERPRINT}/{which}") for which, name in enumerate(field.names)]
    field.wait(*old)
    clocks.until(RESTART_AT_MS)
    field.quiet()
    field.kill(first)
    if node.skew_ns:
        node.skew_ns = int(AFTER_RESTART_MS * MS)
    field.restart(first)
    clocks.prove(first)
    field.wait(field.offer(first, f"{FINGERPRINT}/new"))
    field.wait(field.redeliver(old[0], first))
    everywhere(clocks, 14_000.0, field.now_ms + 100.0)


_COURSES: dict[str, Callable[[Clocks], None]] = {
    "jump": through_jumps,
    "strobe": through_strobes,
    "drift": through_drift,
}


def case_of(scenario: Scenario, *, right: bool = False) -> Case:
    """The scenario as a case, with the course that belongs to it; `right`: the course, with clocks that agree."""
    restarts = scenario is RESTART
    usual = across_restart if restarts else off_the_store if scenario.store_ms else constantly
    course = _COURSES.get(scenario.moves, usual)

    name = f"{scenario.name}: the same with clocks that agree" if right else scenario.name
    played = Scenario(name, constant(*[0.0] * PROCESSORS)) if right else scenario

    def play(field: Field) -> None:
        clocks = Clocks(field, played)
        clocks.begin()
        course(clocks)
        clocks.note_moves()

    return Case(name, play, faults=int(restarts), begins=True)


def cases(scenarios: Sequence[Scenario] = SCENARIOS) -> list[Case]:
    """A case of each."""
    return [case_of(scenario) for scenario in scenarios]
