"""The kinds of store there are."""

from collections.abc import Callable

from reference_impl.dedup.model import Store, Terms
from reference_impl.dedup.postgres_store import PostgresStore
from reference_impl.dedup.redis_store import RedisStore

STORES: dict[str, Callable[[str, str, Terms], Store]] = {"postgres": PostgresStore, "redis": RedisStore}
"""Kind -> constructor of (url, prefix, terms), which connects or raises StoreUnavailable."""


def opener(kind: str, url: str, prefix: str, terms: Terms) -> Callable[[], Store]:
    """What opens a connection to such a store. Raises ValueError for a kind that is not in `STORES`."""
    if kind not in STORES:
        raise ValueError(f"store kind must be one of {', '.join(sorted(STORES))}, not {kind!a:.40}")
    return lambda: STORES[kind](url, prefix, terms)
