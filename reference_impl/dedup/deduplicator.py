"""The rules of deduplication, over any store.

Reserve, send, confirm. Where the holder dies in between, another finds the lease expired on a tick, takes the alert over
and sends it under the same id. A holder that was stopped for long asks the store whether it still holds the alert before
it sends; only a stop between that question and the sending can repeat a send, and it repeats the id as well.
"""

import secrets
import sys
import threading
import time
from collections.abc import Callable, Sequence
from itertools import count
from typing import Literal

from reference_impl.dedup.connections import Connections
from reference_impl.dedup.model import Held, StoreUnavailable, Terms, reservation

Decision = Literal["emit", "suppress", "update"]

RESERVE_BUDGET_S = 2.5
FOLLOW_UP_BUDGET_S = 0.5
"""For what can be left to a later tick."""
TICK_BUDGET_S = 0.5
BATCH = 32
SAFE_SHARE = 0.75
"""Of the lease: a holder older than this asks before it sends. The rest is for the sending."""


class Deduplicator:
    """One processor. Thread-safe, if `send` is.

    `send` puts an alert out for good when it returns. If it is `deferred`, it only takes charge of the alert: until that is out
    it calls `renew`, and then `confirm`. `tell` takes what an operator should know. `monotonic` (seconds) measures how long this processor has held an alert; windows and
    leases are the store's affair.
    """

    def __init__(
        self,
        connections: Connections,
        send: Callable[[Held], None],
        terms: Terms,
        monotonic: Callable[[], float] = time.monotonic,
        *,
        deferred: bool = False,
        tell: Callable[[str], None] = lambda text: print(text, file=sys.stderr),
    ) -> None:
        self._connections = connections
        self._send = send
        self._deferred = deferred
        self._tell = tell
        self._monotonic = monotonic
        self._safe_s = SAFE_SHARE * terms.lease_ms / 1000
        self._incarnation = secrets.token_hex(8)
        self._numbers = count()
        self._unconfirmed: dict[bytes, Held] = {}
        self._unconfirmed_lock = threading.Lock()

    def offer(self, fingerprint: str, event_id: str, rank: int) -> Decision:
        """Decide on one event, and send its alert if it is to have one.

        When this returns, the store holds all that another processor needs to finish the job. `rank` orders severities.
        Raises StoreUnavailable, StoreRefused, and UnicodeEncodeError for lone surrogates.
        """
        wanted = reservation(fingerprint, event_id, rank, self._owner())
        begun_s = self._monotonic()
        answer = self._connections.run(lambda store: store.reserve(wanted), RESERVE_BUDGET_S)
        if answer == "emit":
            self._send_all([wanted.held], begun_s)
        return "emit" if answer == "known" else answer

    def tick(self) -> None:
        """Finish what others, or this processor in a bad moment, left unfinished. Does what it can without the store."""
        try:
            self._confirm_leftovers()
            while self._take_over() == BATCH:
                pass
        except StoreUnavailable as error:
            self._tell(f"dedup: nothing taken over on this tick: {error}")

    def renew(self, held: Held) -> bool:
        """Begin the lease of an alert anew; false if it is no longer ours to send. Raises StoreUnavailable, StoreRefused."""
        return self._connections.run(lambda store: store.renew(held), FOLLOW_UP_BUDGET_S)

    def confirm(self, sent: Sequence[Held]) -> None:
        """These went out. What the store cannot be told now, it is told on a later tick. Raises StoreRefused."""
        try:
            self._connections.run(lambda store: store.confirm(sent), FOLLOW_UP_BUDGET_S)
        except StoreUnavailable:
            with self._unconfirmed_lock:
                self._unconfirmed.update((alert.event_key, alert) for alert in sent)

    def reset(self) -> None:
        """Forget what is still to be confirmed."""
        with self._unconfirmed_lock:
            self._unconfirmed.clear()

    def _owner(self) -> str:
        return f"{self._incarnation}.{next(self._numbers)}"

    def _take_over(self) -> int:
        owner = self._owner()
        begun_s = self._monotonic()
        held = self._connections.run(lambda store: store.take_over(owner, BATCH), TICK_BUDGET_S)
        self._send_all(held, begun_s)
        return len(held)

    def _send_all(self, held: Sequence[Held], begun_s: float) -> None:
        """Send what was held from `begun_s` or later, and confirm it. What cannot be sent now is left to its lease."""
        sent = []
        try:
            for alert in held:
                if self._still_held(alert, begun_s):
                    self._send(alert)
                    sent.append(alert)
        finally:
            if sent and not self._deferred:
                self.confirm(sent)

    def _still_held(self, alert: Held, begun_s: float) -> bool:
        if self._monotonic() - begun_s <= self._safe_s:
            return True
        try:
            return self.renew(alert)
        except StoreUnavailable:
            return False

    def _confirm_leftovers(self) -> None:
        with self._unconfirmed_lock:
            leftovers = list(self._unconfirmed.values())
        if not leftovers:
            return
        self._connections.run(lambda store: store.confirm(leftovers), TICK_BUDGET_S)
        with self._unconfirmed_lock:
            for alert in leftovers:
                self._unconfirmed.pop(alert.event_key, None)
