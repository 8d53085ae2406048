"""One selector loop in one thread: pipes of candidates, sockets of proxies, timers. This thread alone stamps times.

Within one batch of ready descriptors those watched with `first=True` (candidates' pipes) are handled before the others: what a
processor said before it asked its store is stamped before the request. Times: nanoseconds of the monotonic clock.
"""

from __future__ import annotations

import heapq
import itertools
import math
import os
import select
import time
from collections.abc import Callable
from dataclasses import dataclass, field

READ = select.EPOLLIN
WRITE = select.EPOLLOUT
GONE = select.EPOLLHUP | select.EPOLLERR
MAX_EVENTS = 1024


@dataclass(slots=True)
class Watch:
    """One descriptor in the loop. `events` may be changed by `Loop.change` only."""

    fd: int
    events: int
    handle: Callable[[int], None]
    first: bool
    live: bool = True


@dataclass(order=True, slots=True)
class Timer:
    """Something to be done at a moment; `cancel` undoes it."""

    at_ns: int
    number: int
    action: Callable[[], None] | None = field(compare=False)

    def cancel(self) -> None:
        """It will not be done."""
        self.action = None


class Loop:
    """See the module. An exception raised by a handler goes through `run_until` to its caller."""

    def __init__(self) -> None:
        self._epoll = select.epoll()
        self._watches: dict[int, Watch] = {}
        self._timers: list[Timer] = []
        self._numbers = itertools.count()
        self._waker = os.eventfd(0, os.EFD_NONBLOCK | os.EFD_CLOEXEC)
        self.watch(self._waker, READ, self._woken)
        self.last_event_ns = self.now_ns()
        self._closed = False

    @staticmethod
    def now_ns() -> int:
        """The moment, on the clock that every stamp comes from."""
        return time.monotonic_ns()

    # -- descriptors -----------------------------------------------------------------------------------------------------------

    def watch(self, fd: int, events: int, handle: Callable[[int], None], *, first: bool = False) -> Watch:
        """Calls `handle(ready events)` whenever `fd` is ready (GONE is always reported). Raises OSError if it is watched already."""
        self._epoll.register(fd, events)
        found = self._watches[fd] = Watch(fd, events, handle, first)
        return found

    def change(self, watch: Watch, events: int) -> None:
        """From now on for these events."""
        if watch.live and events != watch.events:
            self._epoll.modify(watch.fd, events)
            watch.events = events

    def unwatch(self, watch: Watch) -> None:
        """No more. To be called before the descriptor is closed; twice does no harm."""
        if watch.live:
            watch.live = False
            self._epoll.unregister(watch.fd)
            del self._watches[watch.fd]

    # -- timers ----------------------------------------------------------------------------------------------------------------

    def call_at(self, at_ns: int, action: Callable[[], None]) -> Timer:
        """Calls `action` in the loop at that moment or soon after."""
        timer = Timer(at_ns, next(self._numbers), action)
        heapq.heappush(self._timers, timer)
        return timer

    def call_later(self, delay_s: float, action: Callable[[], None]) -> Timer:
        """As `call_at`, from now."""
        return self.call_at(self.now_ns() + int(delay_s * 1e9), action)

    def _run_due(self) -> None:
        while self._timers and (self._timers[0].action is None or self._timers[0].at_ns <= self.now_ns()):
            action = heapq.heappop(self._timers).action
            if action is not None:
                action()

    # -- running ---------------------------------------------------------------------------------------------------------------

    def wake(self) -> None:
        """Makes a waiting `run_until` look at its predicate; the one method that other threads may call."""
        os.eventfd_write(self._waker, 1)

    def _woken(self, _events: int) -> None:
        os.eventfd_read(self._waker)

    def run_until(self, predicate: Callable[[], bool], timeout_s: float, *, look_every_s: float = math.inf) -> bool:
        """Handles events until the predicate holds or the time is up; whether it holds.

        The predicate is looked at first and after each batch of events; for one about the world outside the loop, also every
        `look_every_s`.
        """
        deadline_ns = self.now_ns() + int(timeout_s * 1e9)
        while not predicate():
            left_ns = deadline_ns - self.now_ns()
            if left_ns <= 0:
                return False
            self.run_once(min(left_ns / 1e9, look_every_s))
        return True

    def run_once(self, timeout_s: float) -> bool:
        """One wait and one batch of events and due timers; whether there was any event."""
        if self._timers:
            timeout_s = min(timeout_s, max(self._timers[0].at_ns - self.now_ns(), 0) / 1e9)
        ready = self._epoll.poll(timeout_s, MAX_EVENTS)
        if ready:
            self._handle(ready)
        if self._timers:
            self._run_due()
        return bool(ready)

    def _handle(self, ready: list[tuple[int, int]]) -> None:
        self.last_event_ns = self.now_ns()
        if len(ready) == 1:
            self._watches[ready[0][0]].handle(ready[0][1])
            return
        # A handler may close a descriptor that is ready in the same batch, and its number may be given out again.
        batch = [(self._watches[fd], events) for fd, events in ready]
        batch.sort(key=lambda item: not item[0].first)
        for watch, events in batch:
            if watch.live:
                watch.handle(events)

    def settle(self, quiet_s: float, timeout_s: float) -> bool:
        """Handles events until none has come for `quiet_s`, or the time is up; whether it became quiet."""
        started_ns, quiet_ns = self.now_ns(), int(quiet_s * 1e9)
        deadline_ns = started_ns + int(timeout_s * 1e9)
        while True:
            now_ns = self.now_ns()
            quiet_at_ns = max(self.last_event_ns, started_ns) + quiet_ns
            if now_ns >= quiet_at_ns:
                return True
            if now_ns >= deadline_ns:
                return False
            self.run_once((min(quiet_at_ns, deadline_ns) - now_ns) / 1e9)

    def close(self) -> None:
        """Frees the loop's own descriptors; those that it watches belong to others."""
        if not self._closed:
            self._closed = True
            self._epoll.close()
            os.close(self._waker)
