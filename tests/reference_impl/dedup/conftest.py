"""Stores that are started once, and a prefix of its own for each test."""

import shutil
import tempfile
from collections.abc import Callable, Iterator
from itertools import count
from pathlib import Path

import pytest

from reference_impl.dedup import STORES, Store, Terms
from tests.reference_impl.dedup.store_servers import Server, postgres, valkey

_MAKERS = {"redis": valkey, "postgres": postgres}
_numbers = count()


@pytest.fixture(scope="session", params=["redis", "postgres"])
def server(request: pytest.FixtureRequest) -> Iterator[Server]:
    folder = Path(tempfile.mkdtemp(prefix="dedup-"))
    folder.chmod(0o755)
    server = _MAKERS[request.param](folder)
    server.start()
    yield server
    server.stop()
    shutil.rmtree(folder, ignore_errors=True)


@pytest.fixture
def prefix() -> str:
    return f"t{next(_numbers)}_"


TERMS = Terms(window_ms=400, lease_ms=150, retention_ms=700)
"""Short, so that real time serves; the stores know no other."""


@pytest.fixture
def open_store(server: Server, prefix: str) -> Iterator[Callable[[], Store]]:
    opened: list[Store] = []

    def open_one(terms: Terms = TERMS) -> Store:
        opened.append(STORES[server.kind](server.url, prefix, terms))
        return opened[-1]

    yield open_one
    for store in opened:
        store.close()
