"""The checker on a long history of a cluster that does everything right while it is killed, paused and cut off from its store."""

from __future__ import annotations

from random import Random
from statistics import median
from typing import Any

from challenges.alert_dedup.checker import check
from challenges.alert_dedup.history import STORE, Emit, Entry, Fault, History, Info, Invoke, Obs, Ok
from challenges.alert_dedup.view import Rules
from harness.bench.paired import Row, in_turns
from harness.errors import InfraError

SEED = 11
OFFERS = 120_000
REPEATS = 5
LEAST_PER_S = 200_000
FINGERPRINTS = 500
PROCESSORS = ("p0", "p1", "p2", "p3")
OFFER_EVERY_US = 1000
FAULT_EVERY = 10_000
"""Offers from one fault to the next."""
OUTAGE_US = 800_000
TRIP_US = 150
REDELIVERED = 0.05
US = 1000
RULES = Rules()


class Cluster:
    """Entries of a cluster with one outstanding offer, in order of time; all of it follows from the seed."""

    def __init__(self, seed: int) -> None:
        self._rng = Random(seed)
        self._history = History()
        self._t_ns = 0
        self._ops = 0
        self._paged: set[str] = set()
        self._until_ns: dict[str, int] = {}
        self._recent: list[tuple[str, str]] = []

    def play(self, offers: int) -> list[Entry]:
        """The history of that many offers, with a quiet time at its end."""
        for name in (STORE, *PROCESSORS):
            self._add(Obs, name, what="up")
        for number in range(offers):
            self._t_ns += self._rng.randrange(OFFER_EVERY_US * 2) * US
            self._offer(number)
            if number % FAULT_EVERY == FAULT_EVERY - 1:
                self._fault(number // FAULT_EVERY)
        self._t_ns += RULES.retention_ns
        self._add(Obs, "harness", what="the end")
        return self._history.entries

    def _add(self, kind: type[Entry], proc: str, after_us: int = 0, **fields: Any) -> None:
        self._t_ns += after_us * US
        self._history.add(kind, self._t_ns, proc, **fields)

    def _invoke(self, proc: str, event: str, fingerprint: str, attempt: int) -> int:
        self._ops += 1
        self._add(Invoke, proc, op=self._ops, event_id=event, fingerprint=fingerprint, attempt=attempt, severity="high")
        return self._ops

    def _offer(self, number: int) -> None:
        rng = self._rng
        attempt, event, fingerprint = 1, f"e{number}", f"service-{rng.randrange(FINGERPRINTS)}:errors"
        if self._recent and rng.random() < REDELIVERED:
            attempt, (event, fingerprint) = 2, rng.choice(self._recent[-FINGERPRINTS:])
        self._recent.append((event, fingerprint))
        self._decide(rng.choice(PROCESSORS), event, fingerprint, attempt)

    def _decide(self, proc: str, event: str, fingerprint: str, attempt: int) -> None:
        op = self._invoke(proc, event, fingerprint, attempt)
        decision = "emit"
        if event not in self._paged:
            if self._t_ns < self._until_ns.get(fingerprint, 0):
                decision = self._rng.choice(("suppress", "suppress", "suppress", "update"))
            else:
                self._until_ns[fingerprint] = self._t_ns + RULES.window_ns
                self._paged.add(event)
                self._add(Emit, proc, after_us=TRIP_US, alert_id=f"a-{event}", fingerprint=fingerprint, event_id=event)
        self._add(Ok, proc, after_us=TRIP_US, op=op, decision=decision)

    def _fault(self, number: int) -> None:
        """A kill, a pause or an outage of the store; a kill catches an offer, which is then redelivered to another."""
        proc = PROCESSORS[number % len(PROCESSORS)]
        kind = ("kill", "pause", "cut")[number % 3]
        if kind == "kill":
            fingerprint = self._recent[-1][1]
            op = self._invoke(proc, f"caught{number}", fingerprint, 1)
            self._add(Fault, proc, after_us=TRIP_US, fault="kill")
            self._add(Info, proc, op=op, reason="killed")
            self._add(Obs, proc, what="down")
            self._decide(PROCESSORS[number % len(PROCESSORS) - 1], f"caught{number}", fingerprint, 2)
            self._add(Obs, proc, after_us=OUTAGE_US, what="up")
            return
        name = STORE if kind == "cut" else proc
        self._add(Fault, name, fault=kind)
        self._add(Obs, name, what="down")
        self._add(Obs, name, after_us=OUTAGE_US, what="up")
        self._add(Fault, name, fault="resume")


def checked(entries: list[Entry]) -> None:
    """Raises InfraError if the checker finds anything: the history is a good one."""
    if findings := check(entries, RULES):
        raise InfraError(f"the checker found {len(findings)} faults in a good history, first {findings[0]}")


def run() -> list[Row]:
    """One row: entries of a history checked, per second of one core."""
    entries = Cluster(SEED).play(OFFERS)
    times = in_turns({"check": lambda: checked(entries)}, REPEATS)
    per_s = len(entries) / median(times["check"])
    return [
        {
            "name": f"checker, a good history of {len(entries):,} entries",
            "value": per_s,
            "unit": "entries per core-s",
            "target": f">= {LEAST_PER_S:,}",
            "ok": per_s >= LEAST_PER_S,
        }
    ]
