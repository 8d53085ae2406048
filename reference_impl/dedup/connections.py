"""Connections to one store: kept, renewed when they break, and given up on after a while."""

import threading
import time
from collections.abc import Callable
from typing import TypeVar

from reference_impl.dedup.model import Store, StoreUnavailable

T = TypeVar("T")

RETRY_PAUSE_S = 0.02


class Connections:
    """Thread-safe. Of the idle connections the last used goes first, so that requests one at a time share one.

    `open_store` opens a connection or raises StoreUnavailable.
    """

    def __init__(
        self,
        open_store: Callable[[], Store],
        monotonic: Callable[[], float] = time.monotonic,
        retry_pause_s: float = RETRY_PAUSE_S,
    ) -> None:
        self._open_store = open_store
        self._monotonic = monotonic
        self._retry_pause_s = retry_pause_s
        self._idle: list[Store] = []
        self._failing_since_s: float | None = None
        self._closed = threading.Event()

    def warm(self, count: int) -> None:
        """Open connections until `count` are idle. Raises StoreUnavailable."""
        while len(self._idle) < count:
            self._idle.append(self._open_store())

    def run(self, use: Callable[[Store], T], budget_s: float) -> T:
        """`use` on a connection, on a new one after each failure, until it works or `budget_s` is over.

        `use` must bear repetition. The store's outage counts from its first failure, whoever met it: with a store long
        gone there is one attempt and no waiting. Raises StoreUnavailable, with what is known of all the attempts.
        """
        begun_s = self._monotonic()
        maybe_done = False
        while True:
            fresh = not self._idle
            try:
                result = self._use_once(use)
            except StoreUnavailable as error:
                maybe_done |= error.maybe_done
                now_s = self._monotonic()
                since_s = self._failing_since_s = self._failing_since_s or now_s
                # An old connection may just have been broken; what befalls a new one needs time to mend.
                if fresh and (now_s >= min(begun_s, since_s) + budget_s or self._closed.wait(self._retry_pause_s)):
                    raise StoreUnavailable(str(error), maybe_done) from error
            else:
                self._failing_since_s = None
                return result

    def _use_once(self, use: Callable[[Store], T]) -> T:
        try:
            store = self._idle.pop()
        except IndexError:
            store = self._open_store()
        try:
            result = use(store)
        except BaseException:
            store.close()
            raise
        self._idle.append(store)
        return result

    def close(self) -> None:
        """Close idle connections and stop waiting for a store that is away."""
        self._closed.set()
        while self._idle:
            self._idle.pop().close()
