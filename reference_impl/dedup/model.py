"""What the deduplicator and its stores say to each other.

An alert is *reserved* in the store, with its id and a lease, before anything is sent; then it is *sent*; then it is
*confirmed*. A reservation whose lease ran out unconfirmed belongs to whoever takes it over. Windows and leases are
measured on the store's clock alone (a file keeps one too), so processors' clocks do not matter.
"""

from collections.abc import Sequence
from hashlib import sha256
from typing import Literal, Protocol

import msgspec

LEASE_MS = 2000
RETENTION_MS = 60_000
CLOCK_STEP_MS = 1000
"""A time stamp this far in the store's future was written before the store's clock was set back."""

_RANKS = {"low": 1, "medium": 2, "high": 3, "critical": 4}

Answer = Literal["emit", "known", "suppress", "update"]
"""`emit`: reserved for the asker, who sends it. `known`: this event has its alert already. `suppress` and `update`:
inside another event's window, without or with a higher severity."""
ANSWERS: dict[bytes, Answer] = {b"emit": "emit", b"known": "known", b"suppress": "suppress", b"update": "update"}


class Terms(msgspec.Struct, frozen=True):
    """Durations in ms of the store's time."""

    window_ms: int = 5000
    lease_ms: int = LEASE_MS
    retention_ms: int = RETENTION_MS


class StoreUnavailable(Exception):
    """The store could not be asked; `maybe_done` says that it may nevertheless have done what it was asked."""

    def __init__(self, reason: str, maybe_done: bool) -> None:
        super().__init__(reason)
        self.maybe_done = maybe_done


class StoreRefused(Exception):
    """The store answered with an error that trying again will not cure."""


class Held(msgspec.Struct, frozen=True):
    """An alert that its holder may send until the lease runs out."""

    event_key: bytes
    alert_id: str
    fingerprint: str
    event_id: str
    owner: str


class Reservation(msgspec.Struct, frozen=True):
    """One event that asks for an alert. `owner` names this very request: asked twice, it gets the same answer."""

    held: Held
    window_key: bytes
    rank: int


def reservation(fingerprint: str, event_id: str, rank: int, owner: str) -> Reservation:
    """The reservation of an event's alert.

    Keys are whole SHA-256 digests, so no two fingerprints meet. The alert's id follows from event and fingerprint: not
    even a store that forgot everything could make an event yield a second one. Raises UnicodeEncodeError for texts with
    lone surrogates.
    """
    window_key = sha256(fingerprint.encode()).digest()
    event_key = sha256(event_id.encode()).digest()
    alert_id = sha256(event_key + window_key).hexdigest()[:32]
    return Reservation(Held(event_key, alert_id, fingerprint, event_id, owner), window_key, rank)


def severity_rank(severity: object) -> int:
    """1 for `low` to 4 for `critical`; 0 for anything else."""
    return _RANKS.get(severity.lower(), 0) if isinstance(severity, str) else 0


class Store(Protocol):
    """One connection to the shared state, used by one thread at a time.

    Every method is one round trip and atomic, and may raise StoreUnavailable (the connection is then of no further use)
    or StoreRefused.
    """

    def reserve(self, wanted: Reservation) -> Answer:
        """Decide on an event: open a window and reserve its alert, or fold it into the window that is open."""
        ...

    def renew(self, held: Held) -> bool:
        """Begin the lease anew; false if the alert was confirmed, or taken over by another."""
        ...

    def confirm(self, sent: Sequence[Held]) -> None:
        """These went out: nobody needs to send them again, whoever holds them now."""
        ...

    def take_over(self, owner: str, most: int) -> list[Held]:
        """Up to `most` alerts whose lease ran out, from now on held by `owner`; drops what is past its retention."""
        ...

    def close(self) -> None:
        """End the connection. Raises nothing."""
        ...
