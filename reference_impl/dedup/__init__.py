"""Alert deduplication over a shared store: reserve, send, confirm; what a dead processor left is taken over.

`Deduplicator` holds the rules, a `Store` the state. Neither reads a local wall clock, but for how far it has moved (`file_clock`).
"""

from reference_impl.dedup.connections import Connections
from reference_impl.dedup.deduplicator import Decision, Deduplicator
from reference_impl.dedup.model import (
    Held,
    Reservation,
    Store,
    StoreRefused,
    StoreUnavailable,
    Terms,
    severity_rank,
)
from reference_impl.dedup.stores import STORES, opener

__all__ = [
    "STORES",
    "Connections",
    "Decision",
    "Deduplicator",
    "Held",
    "Reservation",
    "Store",
    "StoreRefused",
    "StoreUnavailable",
    "Terms",
    "opener",
    "severity_rank",
]
