"""Alerts that this process answers for, until every destination has taken them.

The outbox proper is the store: an alert lies there, with a lease, from before it is sent until it is confirmed. Here is what
this process has in hand of it. While an alert is in hand its lease is renewed; once all destinations took it, it is confirmed.
A process that dies leaves its alerts to their leases, and another brings them to every destination, under the same ids.
"""

import threading
import time
from collections import OrderedDict
from collections.abc import Callable, Hashable, Sequence

from reference_impl.dedup import Held, StoreRefused, StoreUnavailable
from reference_impl.pipeline.courier import Courier
from reference_impl.pipeline.destinations import Destination
from reference_impl.pipeline.journal import Journal
from reference_impl.pipeline.observation import Page, page_of

LIMIT = 512
"""Alerts in hand at most. The others wait in the store."""
REMEMBERED = 20_000
"""Pairs of alert and destination that are remembered as done, for alerts that come back."""
RENEW_AFTER = 1 / 3
"""Of the lease: alerts older than this are renewed."""
SAFE_SHARE = 0.75
"""Of the lease: beyond it the store is asked before anything is sent."""


class _Entry:
    """An alert in hand. `renewed_s` is monotonic: when the lease was begun, but for a round trip."""

    def __init__(self, held: Held, missing: set[str], renewed_s: float) -> None:
        self.held = held
        self.missing = missing
        self.taken_by_some = False
        self.renewed_s = renewed_s


class Outbox:
    """Thread-safe. `route` names the destinations of a page; `renew` and `confirm` are the deduplicator's."""

    def __init__(
        self,
        destinations: Sequence[Destination],
        route: Callable[[Page], Sequence[str]],
        journal: Journal,
        lease_ms: int,
        limit: int = LIMIT,
    ) -> None:
        self._route = route
        self._journal = journal
        self._lease_s = lease_ms / 1000
        self._limit = limit
        self._entries: OrderedDict[Hashable, _Entry] = OrderedDict()
        self._done: OrderedDict[tuple[str, str], None] = OrderedDict()
        self._lock = threading.Lock()
        self._renew: Callable[[Held], bool] = lambda held: True
        self._confirm: Callable[[Sequence[Held]], None] = lambda sent: None
        self._couriers = {d.name: Courier(d, self._may_send, self._arrived, journal) for d in destinations}

    def start(self, renew: Callable[[Held], bool], confirm: Callable[[Sequence[Held]], None]) -> None:
        """Begin to deliver."""
        self._renew, self._confirm = renew, confirm
        for courier in self._couriers.values():
            courier.start()

    def stop(self, patience_s: float) -> None:
        """End the couriers, each within `patience_s`. What is still in hand is left to its lease."""
        for courier in self._couriers.values():
            courier.stop(patience_s)

    def __len__(self) -> int:
        return len(self._entries)

    def put(self, held: Held) -> None:
        """Take an alert in hand. Where there is no room it is left to its lease: it comes back with a later tick."""
        page = page_of(held)
        wanted = self._route(page)
        if not wanted:
            self._journal.tell("unrouted", alert_id=held.alert_id, service=page.service, severity=page.severity)
        with self._lock:
            missing = {name for name in wanted if (held.alert_id, name) not in self._done}
            known = self._entries.get(held.event_key)
            if known is not None:
                known.held, known.renewed_s = held, time.monotonic()
                return
            if missing and not self._make_room():
                self._journal.tell("left_to_lease", alert_id=held.alert_id, reason=f"{self._limit} alerts are in hand")
                return
            if missing:
                self._entries[held.event_key] = _Entry(held, missing, time.monotonic())
        self._journal.tell("in_hand", alert_id=held.alert_id, service=page.service, seen_by=page.node, ts_ms=page.ts_ms)
        if not missing:
            self._settle(held)
        for name in missing:
            self._couriers[name].add(held.event_key, page)

    def keep(self) -> None:
        """Renew the leases that need it, and let go of what another process has by now. Called several times a lease."""
        due_s = time.monotonic() - RENEW_AFTER * self._lease_s
        with self._lock:
            due = [key for key, entry in self._entries.items() if entry.renewed_s <= due_s]
        for key in due:
            self._keep(key)

    def _make_room(self) -> bool:
        """Under the lock. An alert that some destination has gives way to one that nobody has: a receiver that is down for
        long must not keep new alerts from the others."""
        if len(self._entries) < self._limit:
            return True
        oldest = next((key for key, entry in self._entries.items() if entry.taken_by_some), None)
        if oldest is None:
            return False
        self._forget(oldest)
        return True

    def _forget(self, key: Hashable) -> None:
        """Under the lock."""
        entry = self._entries.pop(key, None)
        for name in entry.missing if entry is not None else ():
            self._couriers[name].drop(key)

    def _keep(self, key: Hashable) -> bool:
        """Renew one lease; false if the alert is not in hand any more. With the store away the benefit is the page's: it is
        sent, and if another process sends it as well, under the same id."""
        with self._lock:
            entry = self._entries.get(key)
        if entry is None:
            return False
        begun_s = time.monotonic()
        try:
            ours = self._renew(entry.held)
        except (StoreUnavailable, StoreRefused):
            return True
        with self._lock:
            if ours:
                entry.renewed_s = begun_s
            elif self._entries.get(key) is entry:
                self._forget(key)
        if not ours:
            self._journal.tell("taken_over_by_another", alert_id=entry.held.alert_id)
        return ours

    def _may_send(self, key: Hashable) -> bool:
        with self._lock:
            entry = self._entries.get(key)
        if entry is None:
            return False
        return time.monotonic() - entry.renewed_s <= SAFE_SHARE * self._lease_s or self._keep(key)

    def _arrived(self, key: Hashable, name: str) -> None:
        with self._lock:
            entry = self._entries.get(key)
            if entry is None:
                return
            entry.missing.discard(name)
            entry.taken_by_some = True
            self._remember(entry.held.alert_id, name)
            if entry.missing:
                return
            del self._entries[key]
        self._settle(entry.held)

    def _remember(self, alert_id: str, name: str) -> None:
        self._done[alert_id, name] = None
        while len(self._done) > REMEMBERED:
            self._done.popitem(last=False)

    def _settle(self, held: Held) -> None:
        try:
            self._confirm([held])
        except StoreRefused as error:
            # It will come back with its lease's end, and be confirmed then: its destinations are remembered.
            self._journal.tell("store_refused", reason=str(error))
        else:
            self._journal.tell("settled", alert_id=held.alert_id)
