"""For tests of stores and proxies: real servers, blocking clients in a thread, the loop in the test's own."""

from __future__ import annotations

from collections.abc import Callable, Iterator
from concurrent.futures import Future, ThreadPoolExecutor
from contextlib import ExitStack
from typing import Any, TypeVar

import psycopg
import pytest
import redis

from harness.runtime.loop import Loop
from harness.runtime.proxy import StoreProxy
from harness.runtime.stores import PostgresStore, Store, ValkeyStore, open_store, store_unavailable

T = TypeVar("T")
PATIENCE_S = 20.0


class Bench:
    """A loop, and clients that run beside it."""

    def __init__(self) -> None:
        self.loop = Loop()
        self._stack = ExitStack()
        self._threads = self._stack.enter_context(ThreadPoolExecutor(16))

    def aside(self, work: Callable[[], T]) -> Future[T]:
        """Starts blocking work in a thread; the loop is woken when it is done."""
        future = self._threads.submit(work)
        future.add_done_callback(lambda _: self.loop.wake())
        return future

    def finish(self, future: Future[T]) -> T:
        """Runs the loop until that work is done."""
        assert self.loop.run_until(future.done, PATIENCE_S), "the client is still waiting"
        return future.result()

    def do(self, work: Callable[[], T]) -> T:
        """Blocking work, with the loop running meanwhile."""
        return self.finish(self.aside(work))

    def until(self, predicate: Callable[[], bool]) -> None:
        """Runs the loop until something holds."""
        assert self.loop.run_until(predicate, PATIENCE_S, look_every_s=0.005), "it never came to that"

    def proxy(self, store: Store, processor: str = "p0", **more: Any) -> StoreProxy:
        """A proxy in front of that store."""
        made = StoreProxy(self.loop, processor, store, **more)
        self._stack.callback(made.close)
        return made

    def postgres(self, proxy: StoreProxy, **more: Any) -> psycopg.Connection[Any]:
        """A psycopg connection through the proxy, in autocommit."""
        url = proxy.url(str(proxy.folder))
        made = self.do(lambda: psycopg.connect(url, autocommit=True, **more))
        self._stack.callback(made.close)
        return made

    def redis(self, proxy: StoreProxy, **more: Any) -> redis.Redis:
        """A redis-py client through the proxy that tries each command once."""
        from redis.backoff import NoBackoff
        from redis.retry import Retry

        made = redis.Redis.from_url(proxy.url(str(proxy.folder)), retry=Retry(NoBackoff(), 0), **more)
        self._stack.callback(made.close)
        return made

    def close(self) -> None:
        """Ends proxies first, so that no client waits for ever."""
        self._stack.close()
        self.loop.close()


@pytest.fixture
def bench() -> Iterator[Bench]:
    """A loop and a place for clients."""
    made = Bench()
    yield made
    made.close()


@pytest.fixture(scope="module")
def postgres() -> Iterator[PostgresStore]:
    """A running Postgres for the module's tests."""
    if (why_not := store_unavailable("postgres")) is not None:
        pytest.skip(why_not)
    with open_store("postgres") as store:
        assert isinstance(store, PostgresStore)
        yield store


@pytest.fixture(scope="module")
def valkey() -> Iterator[ValkeyStore]:
    """A running Valkey for the module's tests, empty at the start of the module."""
    if (why_not := store_unavailable("redis")) is not None:
        pytest.skip(why_not)
    with open_store("redis") as store:
        assert isinstance(store, ValkeyStore)
        yield store
