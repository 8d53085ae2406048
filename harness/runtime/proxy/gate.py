"""Every round trip waits for permission: the scheduler decides whose goes next.

A gate is a policy shared by the proxies of all processors. It is asked before each request is forwarded, never after the answer:
what a round trip does to the store happens at one moment, and the next one waits again.
"""

from __future__ import annotations

from collections import deque
from collections.abc import Callable
from enum import Enum

from harness.runtime.loop import Loop
from harness.runtime.proxy.trips import CUT, HOLD, PASS, Point, RoundTrip, Verdict

LOOK_EVERY_S = 0.002


class Granted(Enum):
    """How a permitted round trip went."""

    DONE = "done"
    BLOCKED = "blocked"  # the store itself makes it wait for a lock that another holds
    LATE = "late"  # neither done nor blocked when the time was up


class Gate:
    """See the module. Closed from the start; an open one lets all pass."""

    def __init__(self) -> None:
        self._waiting: dict[str, deque[RoundTrip]] = {}
        self.is_open = False

    def __call__(self, trip: RoundTrip, point: Point) -> Verdict:
        """The policy (see `trips.Policy`)."""
        if self.is_open or point is Point.AFTER or trip.goes_on:
            return PASS
        self._waiting.setdefault(trip.processor, deque()).append(trip)
        return HOLD

    def waiting(self) -> dict[str, RoundTrip]:
        """The oldest waiting round trip of each processor that has one, processors in order of name."""
        heads: dict[str, RoundTrip] = {}
        for processor in sorted(self._waiting):
            queue = self._waiting[processor]
            while queue and queue[0].held is None:  # its connection ended meanwhile
                queue.popleft()
            if queue:
                heads[processor] = queue[0]
        return heads

    def grant(self, processor: str) -> RoundTrip:
        """Lets that processor's oldest waiting round trip go. Raises KeyError if none waits."""
        trip = self.waiting()[processor]
        self._waiting[processor].popleft()
        trip.release()
        return trip

    def run(
        self, loop: Loop, processor: str, *, blocked: Callable[[], frozenset[int]], timeout_s: float
    ) -> tuple[RoundTrip, Granted]:
        """Grants, and runs the loop until that round trip is over or the store says that it waits for a lock.

        `blocked` gives the numbers of the store's processes that wait (`Store.blocked`); it is asked only if no answer comes at once.
        """
        trip = self.grant(processor)
        deadline_ns = loop.now_ns() + int(timeout_s * 1e9)
        while not loop.run_until(lambda: trip.over, LOOK_EVERY_S):
            if trip.backend and trip.backend in blocked():
                return trip, Granted.BLOCKED
            if loop.now_ns() >= deadline_ns:
                return trip, Granted.LATE
        return trip, Granted.DONE

    def drop(self, processor: str) -> int:
        """Cuts every waiting round trip of a processor (it was killed before its request left); returns how many."""
        victims = list(self._waiting.pop(processor, ()))
        return sum(trip.release(CUT) for trip in victims)

    def open(self) -> None:
        """Lets all pass, those that wait first, in the order in which they came."""
        self.is_open = True
        queued = sorted((trip for queue in self._waiting.values() for trip in queue), key=lambda trip: trip.t_ns)
        self._waiting.clear()
        for trip in queued:
            trip.release()

    def close(self) -> None:
        """From now on every round trip waits again."""
        self.is_open = False
