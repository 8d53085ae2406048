"""Stores that are started once, and a prefix of its own for each test."""

import shutil
import tempfile
from collections.abc import Callable, Iterator
from itertools import count
from pathlib import Path

import pytest

from harness.runtime.clock import shim_unavailable
from reference_impl.dedup import STORES, Store, Terms
from tests.reference_impl.dedup.store_servers import Server, postgres, valkey

_MAKERS = {"redis": valkey, "postgres": postgres}
_numbers = count()


@pytest.fixture(scope="session", params=["redis", "postgres"])
def server(request: pytest.FixtureRequest) -> Iterator[Server]:
    """A real store with a movable clock."""
    if (reason := shim_unavailable()) is not None:
        pytest.skip(reason)
    folder = Path(tempfile.mkdtemp(prefix="dedup-"))
    folder.chmod(0o755)  # the server may be another user
    server = _MAKERS[request.param](folder)
    try:
        server.start()
        yield server
    finally:
        server.stop()
        shutil.rmtree(folder, ignore_errors=True)


@pytest.fixture
def prefix() -> str:
    return f"t{next(_numbers)}_"


@pytest.fixture
def open_store(server: Server, prefix: str) -> Iterator[Callable[[], Store]]:
    opened: list[Store] = []

    def open_one() -> Store:
        opened.append(STORES[server.kind](server.url, prefix, Terms()))
        server.advance(0)  # what this took is not to run the store's clock out of its hold
        return opened[-1]

    yield open_one
    for store in opened:
        store.close()
