"""What is left of many fingerprints after twice the time for which they are to be remembered: in the store, open, and in memory.

The wave goes through with one request outstanding at each processor, so that no pool has a reason to grow; before it comes a small
one of the same kind, after which what is open, and how large each process is, counts as what it needs.
"""

from __future__ import annotations

from collections.abc import Callable, Iterable, Mapping, Sequence
from dataclasses import dataclass, field

from challenges.alert_dedup.field import Field, offer_params
from challenges.alert_dedup.pouring import Poured, firsts, pour
from challenges.alert_dedup.view import MS
from harness.runtime import tree
from harness.runtime.stores import Store, StoreBusy
from harness.runtime.trial import Undecided

WARM_UP = 200
LOOK_EVERY = 250  # fingerprints
QUARTER = 4
FEWEST_PAGED = 0.95
SHARE = 0.05
GROWTH_MIB = 64.0
MORE_CONNECTIONS = 1  # for each processor: one that was renewed may not be closed yet
TRICKLE_MS = 5000.0
PATIENCE_S = 300.0
MIB = float(1 << 20)


@dataclass(frozen=True, slots=True)
class Look:
    """What there is at one moment: rows or keys by table or type, connections to the store, resident MiB of each processor."""

    entries: Mapping[str, int]
    connections: int
    mib: Mapping[str, float]

    @property
    def total(self) -> int:
        """All rows or keys."""
        return sum(self.entries.values())


@dataclass(slots=True)
class Residue:
    """What was measured. `peak`: the rows or keys of the moment at which there were most."""

    before: Look
    idle: Look
    peak: Mapping[str, int] = field(default_factory=dict)
    after: Look | None = None
    offered: int = 0
    accepted: int = 0
    paged: int = 0
    virtual_s: float = 0.0
    real_s: float = 0.0

    @property
    def last(self) -> Look:
        """The look after the wait. Raises ValueError before it."""
        if self.after is None:
            raise ValueError("nothing was looked at yet after the wait")
        return self.after


def look(ground: Field, left_out: Iterable[str]) -> Look:
    """Counts now. Raises Undecided where a lock keeps the store from being counted."""
    store = _store(ground)
    hidden = frozenset(left_out)
    try:
        entries = {name: count for name, count in store.holdings().items() if name not in hidden}
        return Look(entries, store.connections(), {name: _mib(ground, name) for name in ground.names})
    except StoreBusy as error:
        raise Undecided(f"what is left cannot be counted: {error}") from error


def _store(ground: Field) -> Store:
    ground.proxy(ground.names[0])  # raises NotOffered where there is no store
    store = ground.cluster.store
    if store is None:
        raise ValueError("there is a proxy, and no store behind it")
    return store


def _mib(ground: Field, name: str) -> float:
    return tree.rss_bytes(ground.cluster.nodes[name].live.process.pid) / MIB


def measure(ground: Field, fingerprints: int, left_out: Sequence[str], over_budget: Callable[[], bool]) -> Residue:
    """The wave, the wait, and the looks. Where something is left after a wait in virtual time, as long again in real time."""
    ground.begin()
    before = look(ground, left_out)
    _pour(ground, "warm", WARM_UP)
    ground.pass_ms(1000.0)
    ground.quiet()
    found = Residue(before, look(ground, left_out))
    for start in range(0, fingerprints, LOOK_EVERY):
        poured = _pour(ground, f"wave/{start}", min(LOOK_EVERY, fingerprints - start))
        _seen_again(ground, f"wave/{start}", min(LOOK_EVERY, fingerprints - start))
        found.offered += poured.offered
        found.accepted += poured.accepted
        found.paged += len(poured.pages)
        now = look(ground, left_out)
        if now.total > sum(found.peak.values()):
            found.peak = dict(now.entries)
    _wait(ground, found, left_out, over_budget)
    return found


def _pour(ground: Field, kind: str, count: int) -> Poured:
    return pour(ground, ground.names, firsts(f"{kind}/{number}" for number in range(count)), PATIENCE_S)


def _seen_again(ground: Field, kind: str, count: int) -> None:
    """Of a quarter each one event more, which is worse, or the first once more, or like it: what each of these leaves counts as well.

    Not of the same ones: what one of these leaves another may clear away.
    """
    told = (("worse", 1, "critical"), ("event", 2, "high"), ("like", 1, "high"))
    again = [
        offer_params(f"{kind}/{number + turn}/{event}", f"{kind}/{number + turn}", attempt, severity)
        for turn, (event, attempt, severity) in enumerate(told)
        for number in range(0, count - turn, QUARTER)
    ]
    pour(ground, ground.names, again, PATIENCE_S)


def _wait(ground: Field, found: Residue, left_out: Sequence[str], over_budget: Callable[[], bool]) -> None:
    """Twice the retention, at least twice the window, with ticks, and a new fingerprint every 5 s: who cleans on an offer may."""
    rules = ground.rules
    left_ms = wait_ms = 2 * max(rules.retention_ns, rules.window_ns) / MS
    number = 0
    while left_ms > 0:
        ground.pass_ms(min(TRICKLE_MS, left_ms))
        left_ms -= TRICKLE_MS
        _pour(ground, f"trickle/{number}", len(ground.names))
        number += 1
    ground.pass_ms(400.0)
    found.after = look(ground, left_out)
    if ground.real:
        found.real_s = wait_ms / 1000
        return
    found.virtual_s = wait_ms / 1000
    _wait_for_timers(ground, found, left_out, over_budget)


def _wait_for_timers(ground: Field, found: Residue, left_out: Sequence[str], over_budget: Callable[[], bool]) -> None:
    """As long again on the host's own time, or until nothing is left: monotonic timers do not jump with the clocks."""
    began_ms = ground.now_ms
    next_ms = began_ms + TRICKLE_MS
    while problems(found, "") and ground.now_ms - began_ms < found.virtual_s * 1000:
        if over_budget():
            raise Undecided(
                f"{problems(found, '')[0]}; and its time was over before timers had {found.virtual_s:g} s of real time"
            )
        ground.cluster.run_until(lambda: False, 0.2)
        ground.cluster.tick()
        if ground.now_ms >= next_ms:
            _pour(ground, f"late/{next_ms:.0f}", len(ground.names))
            ground.cluster.tick()
            next_ms += TRICKLE_MS
            found.after = look(ground, left_out)
        found.real_s = (ground.now_ms - began_ms) / 1000


# -- judging: pure -----------------------------------------------------------------------------------------------------------------


def problems(found: Residue, since: str) -> list[str]:
    """What is left that should not be; none if all is well. `since`: a clause that says after how long."""
    return [text + since for text in (_entries(found), _connections(found), _memory(found)) if text]


def _entries(found: Residue) -> str:
    added = sum(found.peak.values()) - found.before.total
    left = found.last.total - found.before.total
    if left <= SHARE * added:
        return ""
    grown = {name: count - found.before.entries.get(name, 0) for name, count in found.last.entries.items()}
    most = max(grown, key=lambda name: grown[name])
    return f"{left} of {added} rows or keys were still there (of {most!r:.60} alone {grown[most]})"


def _connections(found: Residue) -> str:
    idle, now = found.idle.connections, found.last.connections
    if now <= idle + MORE_CONNECTIONS * len(found.idle.mib):
        return ""
    return f"{now} connections to the store were open where there had been {idle}"


def _memory(found: Residue) -> str:
    grown = {name: mib - found.idle.mib[name] for name, mib in found.last.mib.items()}
    worst = max(grown, key=lambda name: grown[name])
    return f"{worst} had grown by {grown[worst]:.0f} MiB" if grown[worst] >= GROWTH_MIB else ""


def vacuous(found: Residue) -> str:
    """Why nothing was shown, or ''."""
    if found.paged < FEWEST_PAGED * found.offered:
        return f"of {found.offered} fingerprints {found.accepted} were accepted and {found.paged} paged"
    return ""
