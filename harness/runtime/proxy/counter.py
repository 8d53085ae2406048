"""What stands between a processor and its store, whatever the store is: counts round trips, and asks a policy about each."""

from __future__ import annotations

import shutil
import tempfile
from abc import ABC, abstractmethod
from collections import deque
from collections.abc import Callable
from pathlib import Path

from harness.paths import scratch_prefix
from harness.runtime.loop import Loop
from harness.runtime.proxy.trips import PASS, Point, Policy, RoundTrip, Verdict

MAX_LOG = 200_000
MAX_COMPLAINTS = 50


class TripCounter(ABC):
    """One processor's. Everything happens in the loop's thread.

    `policy` decides at both points of every round trip (None lets all pass). `log` holds every round trip, oldest first, of the last
    200,000. `made` counts connections accepted, `refused` those beyond the ceiling, `unreached` those for which the store was down.
    """

    def __init__(self, loop: Loop, processor: str, policy: Policy | None) -> None:
        self.processor, self.policy = processor, policy
        self.log: deque[RoundTrip] = deque(maxlen=MAX_LOG)
        self.complaints: list[str] = []
        self.made = self.refused = self.unreached = 0
        self.window, self.k = "", 0
        self.on_end: Callable[[RoundTrip], None] | None = None
        self._loop = loop
        self.folder = Path(tempfile.mkdtemp(prefix=scratch_prefix("proxy")))
        self.folder.chmod(0o755)

    # -- windows: what is counted ----------------------------------------------------------------------------------------------

    def open_window(self, name: str) -> None:
        """From now on round trips are numbered from 1, under this name (an offer, say)."""
        self.window, self.k = name, 0

    def close_window(self) -> list[RoundTrip]:
        """From now on round trips have k = 0. Those of the window that ends, in order."""
        name, self.window, self.k = self.window, "", 0
        return self.of_window(name)

    def of_window(self, name: str) -> list[RoundTrip]:
        """The round trips of the newest window of that name, in order."""
        found: list[RoundTrip] = []
        for trip in reversed(self.log):
            if trip.window == name and trip.k > 0:
                found.append(trip)
                if trip.k == 1:
                    break
        return found[::-1]

    # -- what a kind of proxy has -----------------------------------------------------------------------------------------------

    @property
    @abstractmethod
    def socket_path(self) -> Path:
        """Its socket, in its folder."""

    @abstractmethod
    def url(self, inside: str) -> str:
        """The store's URL for a processor that finds it in the folder `inside`."""

    @property
    @abstractmethod
    def open(self) -> int:
        """Connections open now, refused ones left out."""

    @abstractmethod
    def under_way(self) -> list[RoundTrip]:
        """Round trips that have begun and not ended, oldest first."""

    @abstractmethod
    def cut_all(self) -> int:
        """Closes every connection as if the network had; returns how many."""

    @abstractmethod
    def close(self) -> None:
        """Ends every connection and removes the folder. May be called twice."""

    def blind(self) -> str | None:
        """Why nothing of what the processor did with its store could be seen; None where that is not so."""
        return None

    # -- called by connections -------------------------------------------------------------------------------------------------

    def _count(
        self, connection: int, kind: str, *, request_bytes: int = 0, backend: int = 0, describe: Callable[[], str] | None = None
    ) -> RoundTrip:
        """The record of a round trip that begins."""
        if self.window:
            self.k += 1
        now_ns = self._loop.now_ns()
        trip = RoundTrip(
            self.processor,
            connection,
            self.k,
            self.window,
            kind,
            now_ns,
            request_bytes,
            backend=backend,
            _describe=describe,
        )
        self.log.append(trip)
        return trip

    def decide(self, trip: RoundTrip, point: Point) -> Verdict:
        """What the policy says. Must not run the loop."""
        return PASS if self.policy is None else self.policy(trip, point)

    def complain(self, sentence: str) -> None:
        """The processor did something that no driver does."""
        if len(self.complaints) < MAX_COMPLAINTS:
            self.complaints.append(sentence)

    def _remove_folder(self) -> None:
        shutil.rmtree(self.folder, ignore_errors=True)
