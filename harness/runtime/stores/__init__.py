"""Real stores for the candidates: Postgres and Valkey on unix sockets, started, moved in time, broken and ended by the harness; and
SQLite, a file."""

from __future__ import annotations

from importlib import import_module
from pathlib import Path
from typing import TYPE_CHECKING

from harness.errors import InfraError
from harness.runtime.stores._base import Store, StoreBusy
from harness.runtime.stores._sqlite import SqliteStore

if TYPE_CHECKING:
    from harness.runtime.stores._postgres import PostgresStore
    from harness.runtime.stores._valkey import ValkeyStore

__all__ = [
    "KINDS",
    "SERVERS",
    "PostgresStore",
    "SqliteStore",
    "Store",
    "StoreBusy",
    "ValkeyStore",
    "open_store",
    "store_program",
    "store_unavailable",
]

# Found when asked for: their clients take a fifth of a second to import, and the workers of a detector, hundreds of them, need none.
_MODULES = {"PostgresStore": "_postgres", "ValkeyStore": "_valkey"}
_CLASSES = {"postgres": "PostgresStore", "redis": "ValkeyStore"}
SERVERS = tuple(_CLASSES)
KINDS = (*SERVERS, SqliteStore.kind)


def open_store(kind: str, *, durable: bool = False, sandbox: str = "auto") -> Store:
    """A fresh, empty, running store of that kind (one of `KINDS`). The caller closes it.

    `durable`: what was acknowledged survives `kill` and `restart`; without it the store is fast and may forget. `sandbox`: where
    what a candidate wrote into a file of its own is looked at.
    Raises InfraError, with the end of the server's log, if it cannot start.
    """
    store = SqliteStore(durable=durable, sandbox=sandbox) if kind == SqliteStore.kind else _class_of(kind)(durable=durable)
    try:
        store.start()
    except BaseException:
        store.close()
        raise
    return store


def store_unavailable(kind: str) -> str | None:
    """Why no store of that kind can be had on this machine, or None if one can. Nothing is started for it."""
    return _class_of(kind).unavailable()


def store_program(kind: str) -> tuple[Path, str] | None:
    """The program of that kind's server and whose it is ("the wheel ...", or its folder); None if there is none."""
    return _class_of(kind).program()


def _class_of(kind: str) -> type[Store]:
    if kind == SqliteStore.kind:
        return SqliteStore
    if kind not in _CLASSES:
        raise InfraError(f"a store is one of {', '.join(KINDS)}; it was {kind!r}")
    return __getattr__(_CLASSES[kind])


def __getattr__(name: str) -> type[Store]:
    if name not in _MODULES:
        raise AttributeError(f"module {__name__!r} has no attribute {name!r}")
    found: type[Store] = getattr(import_module(f"{__name__}.{_MODULES[name]}"), name)
    return found
