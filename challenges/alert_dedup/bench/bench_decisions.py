"""The reference's decisions next to bare round trips to the same store, by the same client, on the same core.

A decision is `Deduplicator.offer` in this process, over real connections: nine of ten are suppressed, which takes one round
trip; the tenth reserves an alert, hands it to `send` (which only keeps it) and confirms it, which takes two. Neither the protocol
of candidates nor a proxy is in between.
"""

from collections.abc import Callable
from random import Random
from statistics import median

import psycopg
import redis

from harness.bench.paired import Row, in_turns, one_core, row, speed_ratio, with_servers
from harness.errors import InfraError
from harness.runtime.stores import PostgresStore, Store, open_store, store_unavailable
from reference_impl.dedup import Connections, Deduplicator, Held, Terms, opener
from reference_impl.dedup.postgres_store import OPTIONS

DECISIONS = 300
EVENTS_PER_FINGERPRINT = 10
REPEATS = 41
RANK = 2
LEAST_RATIO = 0.5
# No window ends while the benchmark runs, however slow the machine.
TERMS = Terms(window_ms=3_600_000)
_WORKING = """SELECT pid FROM pg_stat_activity
    WHERE backend_type IN ('client backend', 'walwriter', 'background writer', 'checkpointer') AND pid <> pg_backend_pid()"""


class Decisions:
    """A round of decisions at a time, every round on fingerprints and events of its own."""

    def __init__(self, kind: str, url: str) -> None:
        self._sent: list[Held] = []
        self._answers: list[str] = []
        self._connections = Connections(opener(kind, url, "bench_", TERMS))
        self._connections.warm(1)
        self._deduplicator = Deduplicator(self._connections, self._sent.append, TERMS)
        self._rounds = [_offers(number) for number in range(REPEATS + 1)]

    def round(self) -> None:
        """The next `DECISIONS` of them. Raises IndexError after `REPEATS` + 1 rounds."""
        offer, answered = self._deduplicator.offer, self._answers.append
        for fingerprint, event_id in self._rounds.pop():
            answered(offer(fingerprint, event_id, RANK))

    def check(self) -> None:
        """Raises InfraError if they were not what they should be: then they were not the work that was to be timed."""
        alerts, suppressed = len(self._sent), self._answers.count("suppress")
        if (alerts + suppressed, alerts * EVENTS_PER_FINGERPRINT) != (len(self._answers), len(self._answers)):
            raise InfraError(f"of {len(self._answers)} decisions, {suppressed} were to suppress, and {alerts} alerts were sent")

    def close(self) -> None:
        """Ends its connections."""
        self._connections.close()


def _offers(number: int) -> list[tuple[str, str]]:
    """(fingerprint, event id) of one round, in an order that its number decides."""
    fingerprints = DECISIONS // EVENTS_PER_FINGERPRINT
    offers = [(f"{number}-{i % fingerprints}", f"{number}-{i}") for i in range(DECISIONS)]
    Random(number).shuffle(offers)
    return offers


def redis_trips(url: str) -> tuple[Callable[[], object], Callable[[], None]]:
    """A round of PING, and what ends the client."""
    client = redis.Redis.from_url(url, protocol=2)

    def work() -> None:
        for _ in range(DECISIONS):
            client.ping()

    return work, client.close


def postgres_trips(url: str) -> tuple[Callable[[], object], Callable[[], None]]:
    """A round of a prepared SELECT 1, and what ends the client."""
    client = psycopg.connect(url, autocommit=True, options=OPTIONS)

    def work() -> None:
        for _ in range(DECISIONS):
            client.execute("SELECT 1", prepare=True).fetchone()

    return work, client.close


TRIPS = {"redis": (redis_trips, "redis-py PING"), "postgres": (postgres_trips, "psycopg prepared SELECT 1")}


def servers(store: Store) -> list[int]:
    """The processes that work for the clients of a store."""
    if not isinstance(store, PostgresStore):
        return [store.pid]
    return [int(str(pid)) for (pid,) in store.session().execute(_WORKING)]


def against_round_trips(kind: str) -> list[Row]:
    """Decisions a second of the core that client and server share, their ratio to bare round trips, and those."""
    trips, called = TRIPS[kind]
    with one_core(), open_store(kind) as store:
        url = store.url(str(store.sockets))
        decisions, (bare, close) = Decisions(kind, url), trips(url)
        try:
            times = in_turns({"decisions": decisions.round, "bare": bare}, REPEATS, with_servers(servers(store)))
            decisions.check()
        finally:
            decisions.close()
            close()
    per_s = {name: DECISIONS / median(seconds) for name, seconds in times.items()}
    ratio = speed_ratio(times["decisions"], times["bare"])
    unit = "per core-s, client + server"
    return [
        row(f"Deduplicator.offer, 90 % suppressed, {kind}", per_s["decisions"], unit, called, ratio, LEAST_RATIO),
        row(f"{called}, {kind}", per_s["bare"], unit),
    ]


def run() -> list[Row]:
    """Two rows for each store that there is here."""
    return [line for kind in TRIPS if store_unavailable(kind) is None for line in against_round_trips(kind)]
