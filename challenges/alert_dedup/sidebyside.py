"""How much faster four processors are than one, with every reply of the store late; and whether our own proxy allows it.

One round: so many fingerprints over one processor and over four, and as many bare requests over one connection and over four, in
changing order, so that what the machine does besides falls on all of them alike.
"""

from __future__ import annotations

import socket
from collections.abc import Iterator, Sequence
from contextlib import contextmanager
from dataclasses import dataclass, field

import numpy as np

from challenges.alert_dedup.field import Field
from challenges.alert_dedup.pouring import firsts, pour
from harness.errors import InfraError
from harness.runtime.loop import READ, Loop
from harness.runtime.proxy import TripCounter, every_reply_late
from harness.runtime.stores import Store
from harness.runtime.trial import Undecided

WANTED = 2.0
CONTROL = 3.0  # less, and it is our proxy, or this machine, that does one thing at a time
RESAMPLES = 2000
CONTROL_TRIPS = 40
PATIENCE_S = 120.0
FEWEST_ACCEPTED = 0.95
_GREETING = b"user\0postgres\0database\0postgres\0\0"
_STARTUP = (len(_GREETING) + 8).to_bytes(4) + (196_608).to_bytes(4) + _GREETING
_SELECT = b"Q" + (4 + len(b"select 1\0")).to_bytes(4) + b"select 1\0"
_READY = b"Z\0\0\0\x05I"
# What opens a connection, what is asked on it (something that the proxy counts, and so delays), and how an answer ends.
_DIALECTS = {
    "postgres": (_STARTUP, _SELECT, _READY),
    "redis": (b"", b"*2\r\n$3\r\nGET\r\n$7\r\nnothing\r\n", b"$-1\r\n"),
    # What is told of an operation on the file, which here reads nothing; leave to begin, and leave to go on.
    "sqlite": (b"", b"brer", b".."),
}


@dataclass(slots=True)
class Arm:
    """Seconds of each round, on one and on four."""

    one: list[float] = field(default_factory=list)
    four: list[float] = field(default_factory=list)


@dataclass(slots=True)
class Measured:
    """Rounds with one delay. `trips`: round trips to the store for one fingerprint."""

    delay_ms: float
    candidate: Arm = field(default_factory=Arm)
    control: Arm = field(default_factory=Arm)
    offered: int = 0
    accepted: int = 0
    paged: int = 0
    trips: float = 0.0
    least_ms: float = 0.0


@dataclass(frozen=True, slots=True)
class Ratio:
    """How many times as fast, with the ends of its 95 % interval."""

    low: float
    value: float
    high: float

    @property
    def words(self) -> str:
        """As shown."""
        return f"{self.value:.2f} x ({self.low:.2f} to {self.high:.2f})"


def ratio(arm: Arm, rng: np.random.Generator) -> Ratio:
    """The whole time on one over that on four; the interval by drawing rounds anew."""
    one, four = np.array(arm.one), np.array(arm.four)
    drawn = rng.integers(len(one), size=(RESAMPLES, len(one)))
    ratios = one[drawn].sum(axis=1) / four[drawn].sum(axis=1)
    low, high = np.quantile(ratios, (0.025, 0.975))
    return Ratio(float(low), float(one.sum() / four.sum()), float(high))


# -- bare connections --------------------------------------------------------------------------------------------------------------


class Bare:
    """A connection to a store through a proxy, which asks again as soon as it has its answer."""

    def __init__(self, loop: Loop, proxy: TripCounter, store: Store) -> None:
        if store.kind not in _DIALECTS:
            raise Undecided(
                f"there is no bare connection to a {store.kind} store, by which the proxy could be shown to be idle"
            )
        opening, self._ask, self._end = _DIALECTS[store.kind]
        self._loop = loop
        self._seen = b""
        self._left = 0
        self._socket = socket.socket(socket.AF_UNIX, socket.SOCK_STREAM)
        self._socket.connect(str(proxy.socket_path))
        self._socket.setblocking(False)
        self._watch = loop.watch(self._socket.fileno(), READ, self._readable)
        if opening:
            self._left = 1
            self._socket.send(opening)

    @property
    def idle(self) -> bool:
        """Whether every answer has come."""
        return self._left == 0

    def ask(self, times: int) -> None:
        """So many requests, one after another."""
        self._left = times
        self._socket.send(self._ask)

    def _readable(self, _events: int) -> None:
        data = self._socket.recv(65_536)
        if not data:
            raise InfraError("the store's proxy closed a connection of our own")
        self._seen += data
        if self._seen.endswith(self._end):
            self._seen = b""
            self._left -= 1
            if self._left > 0:
                self._socket.send(self._ask)

    def close(self) -> None:
        """Ends it."""
        self._loop.unwatch(self._watch)
        self._socket.close()


def bare_seconds(loop: Loop, connections: Sequence[Bare], trips: int) -> float:
    """So many round trips in all, spread over these. Raises InfraError if they do not end."""
    began_ns = loop.now_ns()
    for connection in connections:
        connection.ask(trips // len(connections))
    if not loop.run_until(lambda: all(connection.idle for connection in connections), PATIENCE_S):
        raise InfraError(f"{trips} bare round trips to the store did not end in {PATIENCE_S:g} s")
    return (loop.now_ns() - began_ns) / 1e9


@contextmanager
def _late(ground: Field, delay_ms: float) -> Iterator[list[Bare]]:
    """Meanwhile every reply comes that much later; bare connections, one through each proxy."""
    loop, store = ground.cluster.loop, ground.cluster.store
    proxies = [ground.proxy(name) for name in ground.names]
    if store is None:
        raise InfraError("there is a proxy, and no store behind it")
    before = [proxy.policy for proxy in proxies]
    bare = [Bare(loop, proxy, store) for proxy in proxies]
    try:
        if not loop.run_until(lambda: all(connection.idle for connection in bare), PATIENCE_S):
            raise InfraError("the store does not let us in through its proxy")
        for proxy in proxies:
            proxy.policy = every_reply_late(delay_ms)
        yield bare
    finally:
        for proxy, policy in zip(proxies, before, strict=True):
            proxy.policy = policy
        for connection in bare:
            connection.close()


# -- the rounds --------------------------------------------------------------------------------------------------------------------


def measure(ground: Field, delay_ms: float, rounds: int, fingerprints: int) -> Measured:
    """So many rounds, each with that many fingerprints to either side."""
    found = Measured(delay_ms)
    loop = ground.cluster.loop
    ground.begin()
    with _late(ground, delay_ms) as bare:
        for number in range(rounds):
            sides = [("one", ground.names[:1]), ("four", ground.names)]
            for side, names in sides if number % 2 else sides[::-1]:
                _candidate(ground, found, side, names, [f"{delay_ms:g}/{number}/{side}/{n}" for n in range(fingerprints)])
                control_s = bare_seconds(loop, bare[: len(names)], CONTROL_TRIPS)
                (found.control.one if side == "one" else found.control.four).append(control_s)
    return found


def _candidate(ground: Field, found: Measured, side: str, names: Sequence[str], fingerprints: Sequence[str]) -> None:
    proxies = [ground.proxy(name) for name in ground.names]
    for proxy in proxies:
        proxy.log.clear()
    poured = pour(ground, names, firsts(fingerprints), PATIENCE_S)
    (found.candidate.one if side == "one" else found.candidate.four).append(poured.seconds)
    trips = [trip for name in names for trip in ground.proxy(name).log]
    before = found.offered
    found.offered += poured.offered
    found.accepted += poured.accepted
    found.paged += len(poured.pages)
    found.trips = (found.trips * before + len(trips)) / found.offered
    held = [(trip.ended_ns - trip.answered_ns) / 1e6 for trip in trips if trip.fate == "delivered"]
    found.least_ms = min([found.least_ms or found.delay_ms, *held])


def vacuous(found: Measured) -> str:
    """Why the rounds show nothing, or ''."""
    if found.accepted < FEWEST_ACCEPTED * found.offered:
        return f"of {found.offered} offers only {found.accepted} were accepted"
    if found.trips < 1:
        return f"a fingerprint cost {found.trips:.1f} round trips to the store, so that late replies say nothing"
    if found.least_ms < 0.9 * found.delay_ms:
        return f"a reply was {found.least_ms:.1f} ms late where it was to be {found.delay_ms:g} ms"
    return ""
