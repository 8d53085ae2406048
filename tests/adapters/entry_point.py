"""The tracer repository's processor by its own entry point: `node apps/processor/dist/index.js`, a database and nothing else.

Logs go into its table `logs`, and its own trigger tells it of each; what it makes of them is read from its table `alerts` and, where
a service has a channel, heard by a receiver of webhooks. The entry point itself is not touched; its minute timers may be fired by hand.
"""

from __future__ import annotations

import json
import threading
from collections.abc import Iterator, Sequence
from contextlib import contextmanager
from dataclasses import dataclass, field
from datetime import UTC, datetime
from http.server import BaseHTTPRequestHandler, ThreadingHTTPServer
from pathlib import Path
from typing import Any, LiteralString

from harness.programs import sdk_folder
from harness.runtime import tree
from harness.runtime.clock import ClockPage, shim_path
from harness.runtime.loop import READ
from harness.runtime.process import Process
from harness.runtime.proxy import StoreProxy
from harness.runtime.proxy.trips import RoundTrip
from harness.runtime.sandbox import Launch, Mount, choose
from harness.runtime.steps import program_mounts
from tests.adapters.bench import PATIENCE_S, Bench

STARTED = b"Processor started and listening for events"
READS_A_LOG = 'select "id", "timestamp", "level", "message"'

# What the repository itself would run; on a Postgres without TimescaleDB its start never comes to the trigger.
TRIGGER = "require('./packages/db/dist/setup-notify.js').setupLogNotifyTrigger().then(() => process.exit(0))"
MIGRATIONS = (
    "const at = require('node:module').createRequire(process.cwd() + '/packages/db/package.json');"
    "const client = new (at('pg').Client)({ connectionString: process.env.DATABASE_URL });"
    "client.connect().then(() => at('drizzle-orm/node-postgres/migrator').migrate("
    "at('drizzle-orm/node-postgres').drizzle(client), { migrationsFolder: 'packages/db/src/migrations' })).then(() => process.exit(0))"
)


@dataclass(frozen=True)
class Log:
    """One log as it goes into the table."""

    ts_ms: int
    service: str
    level: str
    message: str


@dataclass(frozen=True)
class Row:
    """What the table `alerts` keeps of an alert. `created_ms` is 0 where the moment is not compared."""

    service: str
    alert_type: str
    severity: str
    message: str
    created_ms: int = 0


class EntryPoint:
    """One processor. With `wall_ms` its clock is held there (see `set_wall_ms`) and its minute timers wait for `fire`.

    `network`: it reaches the loopback of this machine, where a receiver of webhooks may be.
    """

    def __init__(
        self, bench: Bench, built: Path, folder: Path, *, name: str = "p0", wall_ms: float | None = None, network: bool = False
    ) -> None:
        self._bench = bench
        self.proxy: StoreProxy = bench.proxy(f"entry point {name}")
        self._page: ClockPage | None = None
        mounts, env = self._surroundings(built)
        if wall_ms is not None:
            self._page = ClockPage(folder / f"clock-{name}")
            self._page.hold_ms(wall_ms)
            mounts |= {"clock": Mount(folder / f"clock-{name}", "/clock"), "shim": Mount(shim_path().parent, "/shim")}
            env |= {"LD_PRELOAD": "{shim}/clockshim.so", "HARNESS_CLOCK_PAGE": "{clock}/offset"}
        timers = ("--require", "{tools}/timers.cjs") if wall_ms is not None else ()
        self._process = self._spawn(("node", *timers, "apps/processor/dist/index.js"), mounts, env, network)
        self._said = bytearray()
        self._listen()
        self._await_start()
        self._expected = self._reads = 0
        self.proxy.on_end = self._answered

    def _surroundings(self, built: Path) -> tuple[dict[str, Mount], dict[str, str]]:
        sockets = Mount(self.proxy.folder, "/sockets", writable=True)
        mounts = program_mounts(built, None, sdk_folder()) | {
            "sockets": sockets,
            "tools": Mount(Path(__file__).parent, "/tools"),
        }
        return mounts, {"DATABASE_URL": self.proxy.url(choose("auto").inside(sockets))}

    def _spawn(self, argv: tuple[str, ...], mounts: dict[str, Mount], env: dict[str, str], network: bool) -> Process:
        process = Process(choose("auto").spawn(Launch(argv, mounts, env=env, network=network)), None)
        self._bench.keep(process.close)
        return process

    def _listen(self) -> None:
        channel = self._process.channel
        out = self._bench.loop.watch(channel.stdout_fd, READ, self._heard, first=True)
        err = self._bench.loop.watch(channel.stderr_fd, READ, lambda _: self._more(), first=True)
        self._watches = [out, err]
        self._bench.keep(lambda: [self._bench.loop.unwatch(watch) for watch in (out, err)])

    def _heard(self, _events: int) -> None:
        channel = self._process.channel
        channel.take_stdout()
        self._said += b"\n".join([b"", *channel.take_lines()])
        if channel.at_eof:
            self._bench.loop.unwatch(self._watches[0])

    def _more(self) -> None:
        if not self._process.channel.take_stderr():
            self._bench.loop.unwatch(self._watches[1])

    def _await_start(self) -> None:
        self._bench.loop.run_until(lambda: STARTED in self._said or self._process.channel.at_eof, PATIENCE_S)
        if STARTED not in self._said:
            raise RuntimeError(f"the entry point did not start: {self.words()}")

    def words(self) -> str:
        """The end of what it wrote, both streams."""
        return bytes(self._said[-2000:]).decode("utf-8", "replace") + self._process.stderr_tail()

    def complaints(self) -> list[str]:
        """Errors that it logged."""
        lines = [json.loads(line) for line in self._said.split(b"\n") if line.startswith(b'{"level":')]
        return [line["msg"] for line in lines if line["level"] >= 50]

    def _answered(self, trip: RoundTrip) -> None:
        self._reads += trip.text.startswith(READS_A_LOG)

    def set_wall_ms(self, wall_ms: float) -> None:
        """Its wall clock stands there from now on."""
        if self._page is None:
            raise ValueError("this one runs on the real clock")
        self._page.hold_ms(wall_ms)

    def fire(self) -> None:
        """Its minute timers run now, to their end."""
        self._process.channel.try_write(b"\n")
        self.rest()

    def expect_logs(self, number: int) -> None:
        """Until it has read that many more logs and done with them."""
        self._expected += number
        if not self._bench.loop.run_until(lambda: self._reads >= self._expected, PATIENCE_S):
            raise TimeoutError(f"it never read a log that it was told of: {self.words()}")
        self.rest()

    def rest(self) -> None:
        """Until nothing that it asked its store is open and it waits for events."""
        if not self._bench.loop.run_until(self._rests, PATIENCE_S, look_every_s=0.001):
            raise TimeoutError(f"it does not come to rest: {self.words()}")

    def _rests(self) -> bool:
        """Asleep with nothing asked. What it wrote before it slept may be unread: a look at the sockets shows it."""
        return not self.proxy.under_way() and sleeps(self._process.pid) and not self._bench.loop.run_once(0)


def sleeps(root: int) -> bool:
    """Whether all threads of that process and of those below it wait: one with something to do is running, or queues to run."""
    return all(tree.thread_states(pid) <= {"S"} for pid in tree.descendants(root))


def prepare_store(bench: Bench, built: Path) -> None:
    """The repository's tables and its trigger, by its own code."""
    proxy = bench.proxy("preparation")
    sockets = Mount(proxy.folder, "/sockets", writable=True)
    mounts = program_mounts(built, None, sdk_folder()) | {"sockets": sockets}
    env = {"DATABASE_URL": proxy.url(choose("auto").inside(sockets))}
    for code in (MIGRATIONS, TRIGGER):
        spawned = choose("auto").spawn(Launch(("node", "-e", code), mounts, env=env))
        ended = spawned.popen.poll
        if not bench.loop.run_until(lambda ended=ended: ended() is not None, PATIENCE_S, look_every_s=0.01) or ended():
            raise RuntimeError(
                f"the store could not be prepared: {(spawned.popen.stderr.read() if spawned.popen.stderr else b'')!r}"
            )
        spawned.cleanup()


def insert(bench: Bench, logs: Sequence[Log]) -> None:
    """Into the table `logs`, as the repository's API does; its trigger tells who listens."""
    query: LiteralString = "INSERT INTO logs (timestamp, level, message, service) VALUES (%s, %s::log_level, %s, %s)"
    for log in logs:
        moment = datetime.fromtimestamp(log.ts_ms / 1000, UTC)
        bench.store.session().execute(query, (moment, log.level, log.message, log.service))


def resolve_all(bench: Bench) -> None:
    """Every open alert is closed, by hand."""
    bench.store.session().execute("UPDATE alerts SET resolved = true, resolved_at = now() WHERE NOT resolved")


def rows(bench: Bench, *, moments: bool) -> list[Row]:
    """The table `alerts`, in the order in which its rows were made."""
    query: LiteralString = (
        "SELECT service, alert_type::text, severity::text, message, round(extract(epoch FROM created_at) * 1000)::bigint"
        " FROM alerts ORDER BY id"
    )
    found: list[tuple[Any, ...]] = bench.store.session().execute(query).fetchall()
    return [Row(*row[:4], created_ms=row[4] if moments else 0) for row in found]


@dataclass
class Receiver:
    """A loopback receiver of webhooks, and the texts that came."""

    url: str = ""
    texts: list[str] = field(default_factory=list)


@contextmanager
def receiver() -> Iterator[Receiver]:
    """For as long as the block runs."""
    found = Receiver()

    class Handler(BaseHTTPRequestHandler):
        def do_POST(self) -> None:
            length = int(self.headers.get("content-length", 0))
            found.texts.append(json.loads(self.rfile.read(length))["text"])
            self.send_response(200)
            self.end_headers()

        def log_message(self, *_: object) -> None:
            return

    with ThreadingHTTPServer(("127.0.0.1", 0), Handler) as server:
        found.url = f"http://127.0.0.1:{server.server_port}/"
        thread = threading.Thread(target=server.serve_forever)
        thread.start()
        try:
            yield found
        finally:
            server.shutdown()
            thread.join()


def add_channel(bench: Bench, service: str, url: str) -> None:
    """A project that the service belongs to (by its key), with a channel that posts to `url`."""
    session = bench.store.session()
    session.execute("INSERT INTO users (id, email, password_hash) VALUES (1, 'a@b', 'x') ON CONFLICT DO NOTHING")
    session.execute("INSERT INTO projects (id, user_id, name) VALUES (1, 1, 'p') ON CONFLICT DO NOTHING")
    session.execute("INSERT INTO api_keys (project_id, key_hash, service) VALUES (1, %s, %s)", (service, service))
    config = json.dumps({"slack": {"channel": "c", "webhookUrl": url}})
    session.execute(
        "INSERT INTO alert_channels (project_id, channel_type, service, config) VALUES (1, 'slack', %s, %s)", (service, config)
    )
