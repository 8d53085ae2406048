"""Offers at a rate, in real time and without a proxy, and bare round trips to the same kind of store beside them."""

from __future__ import annotations

import time
from collections.abc import Callable, Iterator
from contextlib import ExitStack, contextmanager
from typing import Any

import msgspec
import numpy as np
import psycopg
import redis

from challenges.alert_dedup.field import DECISIONS, offer_params
from harness.measure import load
from harness.measure.beside import noop
from harness.measure.load import Request
from harness.measure.plan import SECOND_NS, poisson
from harness.measure.sample import ANSWERED, Sample
from harness.runtime.process import Process
from harness.runtime.stores import PostgresStore, Store
from harness.runtime.trial import Trial

RATE = 200.0
FINGERPRINTS = 50
"""Each is offered four times a second: of twenty offers one opens a window of 5 s and is emitted, the others fall into it."""
WARM_UP_OFFERS = 40
TICK_NS = SECOND_NS // 4

_encode = msgspec.json.Encoder().encode


def decided(result: dict[str, Any]) -> bool:
    """Whether an offer was decided."""
    return result.get("decision") in DECISIONS


def ticked(result: dict[str, Any]) -> bool:
    """Whether a tick was answered: any result does."""
    return True


class Offering:
    """One processor, and the offers that it is sent."""

    def __init__(self, process: Process, rng: np.random.Generator) -> None:
        self.process = process
        self._rng = rng
        self._events = 0
        process.set_clock_offset_ns(0)

    def stretch(self, seconds: float) -> Sample:
        """Offers at `RATE` for that long, and a tick every 250 ms; without the first of them."""
        due_ns = poisson(RATE, seconds, self._rng)
        ticks_ns = np.arange(1, int(due_ns[-1]) // TICK_NS + 1, dtype=np.int64) * TICK_NS
        begin_ms = time.time_ns() // 1_000_000
        requests = [self._offer(begin_ms + at // 1_000_000) for at in due_ns.tolist()]
        requests += [Request("tick", b'{"now_ms":%d}' % (begin_ms + at // 1_000_000), ticked) for at in ticks_ns.tolist()]
        at_ns = np.concatenate([due_ns, ticks_ns])
        order = np.argsort(at_ns, kind="stable")
        sample = load.drive(self.process, at_ns[order], [requests[i] for i in order.tolist()])
        self.process.notifications.clear()
        return sample.after(WARM_UP_OFFERS)

    def _offer(self, now_ms: int) -> Request:
        self._events += 1
        fingerprint = f"checkout/error_rate/{self._rng.integers(FINGERPRINTS)}"
        params = offer_params(f"load-{self._events}", fingerprint, 1, "high")
        return Request("offer", _encode(params | {"now_ms": now_ms}), decided)


@contextmanager
def offerings(trial: Trial) -> Iterator[tuple[Offering, Offering, Callable[[float], Sample] | None]]:
    """The candidate, its no-op, and bare round trips where the store is one that we have a client for."""
    with ExitStack() as stack:
        cores = stack.enter_context(load.sender_alone())
        wall_ms = time.time() * 1000
        with load.on_cores(cores):
            process = trial.start(wall_ms=wall_ms)
            other = noop(trial, process.language).start(wall_ms=wall_ms)
            kind = trial.cell.program.store
            store = trial.open_store() if kind in ("postgres", "redis") else None
        bare = None if store is None else stack.enter_context(bare_trips(store, trial.rng("bare")))
        yield Offering(process, trial.rng("offers")), Offering(other, trial.rng("offers")), bare


@contextmanager
def bare_trips(store: Store, rng: np.random.Generator) -> Iterator[Callable[[float], Sample]]:
    """What sends one bare round trip (PING, or a prepared SELECT 1) to the store at the same moments as offers would come."""
    url = store.url(str(store.sockets))
    if isinstance(store, PostgresStore):
        with psycopg.connect(url, autocommit=True) as connection:
            yield lambda seconds: _trips(lambda: connection.execute("SELECT 1", prepare=True).fetchone(), seconds, rng)
    else:
        with redis.Redis.from_url(url) as client:
            yield lambda seconds: _trips(client.ping, seconds, rng)


def _trips(ask: Callable[[], object], seconds: float, rng: np.random.Generator) -> Sample:
    for _ in range(WARM_UP_OFFERS):
        ask()
    due_ns = poisson(RATE, seconds, rng)
    start_ns = load.now_ns() + load.LEAD_NS
    sent, replied = np.zeros_like(due_ns), np.zeros_like(due_ns)
    for i, at in enumerate(due_ns.tolist()):
        load.sleep_until(start_ns + at)
        sent[i] = load.now_ns() - start_ns
        ask()
        replied[i] = load.now_ns() - start_ns
    return Sample(due_ns, sent, replied, np.full(len(due_ns), ANSWERED, np.uint8))
