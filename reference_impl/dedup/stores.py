"""The kinds of store there are. A driver is imported when its store is asked for: it is slow to import, and only one is
needed."""

from collections.abc import Callable

from reference_impl.dedup.model import Store, Terms


def _postgres(url: str, prefix: str, terms: Terms) -> Store:
    from reference_impl.dedup.postgres_store import PostgresStore  # noqa: PLC0415 - only the driver that is asked for

    return PostgresStore(url, prefix, terms)


def _redis(url: str, prefix: str, terms: Terms) -> Store:
    from reference_impl.dedup.redis_store import RedisStore  # noqa: PLC0415 - only the driver that is asked for

    return RedisStore(url, prefix, terms)


def _sqlite(url: str, prefix: str, terms: Terms) -> Store:
    from reference_impl.dedup.sqlite_store import SqliteStore  # noqa: PLC0415 - only the driver that is asked for

    return SqliteStore(url, prefix, terms)


STORES: dict[str, Callable[[str, str, Terms], Store]] = {"postgres": _postgres, "redis": _redis, "sqlite": _sqlite}
"""Kind -> constructor of (url, prefix, terms), which connects or raises StoreUnavailable."""


def opener(kind: str, url: str, prefix: str, terms: Terms) -> Callable[[], Store]:
    """What opens a connection to such a store. Raises ValueError for a kind that is not in `STORES`."""
    if kind not in STORES:
        raise ValueError(f"store kind must be one of {', '.join(sorted(STORES))}, not {kind!a:.40}")
    return lambda: STORES[kind](url, prefix, terms)
