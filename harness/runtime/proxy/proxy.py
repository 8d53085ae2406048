"""The store proxy of one processor: a socket in a folder that is bound into its sandbox, and behind it the real store."""

from __future__ import annotations

import errno
import socket
from collections.abc import Callable
from pathlib import Path
from typing import Protocol

from harness.errors import InfraError
from harness.runtime.loop import READ, Loop
from harness.runtime.proxy.connection import Connection
from harness.runtime.proxy.counter import TripCounter
from harness.runtime.proxy.pgwire import PostgresDialect
from harness.runtime.proxy.resp import RespDialect
from harness.runtime.proxy.trips import Policy, RoundTrip
from harness.runtime.proxy.wire import Dialect, Request

MAX_CONNECTIONS = 100
MAX_REFUSED_OPEN = 200
ACCEPTS_AT_ONCE = 64
BACKLOG = 512
REST_S = 0.05
CONNECT_PATIENCE_S = 1.0
POSTGRES_USER = "postgres"


class Upstream(Protocol):
    """What the proxy needs to know of a store: `harness.runtime.stores.Store` fits."""

    @property
    def kind(self) -> str:
        """`postgres` or `redis`."""
        ...

    @property
    def socket(self) -> Path:
        """The server's own unix socket."""
        ...

    def url(self, folder: str) -> str:
        """The URL for whoever finds the socket in `folder`."""
        ...


def _dialect_for(kind: str) -> Callable[[], Dialect]:
    if kind == "postgres":
        return lambda: PostgresDialect(POSTGRES_USER)
    if kind == "redis":
        return RespDialect
    raise InfraError(f"there is no store proxy for {kind!r}; there is one for postgres and redis")


class StoreProxy(TripCounter):
    """See the module, and `TripCounter`."""

    def __init__(
        self,
        loop: Loop,
        processor: str,
        store: Upstream,
        *,
        policy: Policy | None = None,
        max_connections: int = MAX_CONNECTIONS,
    ) -> None:
        self._new_dialect = _dialect_for(store.kind)
        super().__init__(loop, processor, policy)
        self.refusal = (
            f"too many connections: this processor has {max_connections} open, which is all that it may have; "
            "use a pool, or close what is done with"
        )
        self._store, self._limit = store, max_connections
        self._connections: dict[Connection, bool] = {}
        self._under_way: dict[Connection, RoundTrip] = {}
        self._served = 0
        self._listener = self._listen(self.socket_path)
        self._watch = loop.watch(self._listener.fileno(), READ, self._accept)
        self._closed = False

    def _listen(self, path: Path) -> socket.socket:
        listener = socket.socket(socket.AF_UNIX, socket.SOCK_STREAM)
        try:
            listener.bind(str(path))
            path.chmod(0o777)
            listener.listen(BACKLOG)
        except OSError as error:
            listener.close()
            self._remove_folder()
            raise InfraError(f"the store proxy could not listen at {path}: {error}") from error
        listener.setblocking(False)
        return listener

    @property
    def socket_path(self) -> Path:
        """See `TripCounter`: in front of the store's."""
        return self.folder / self._store.socket.name

    def url(self, inside: str) -> str:
        """The store's URL for a processor that finds this proxy's folder at `inside`."""
        return self._store.url(inside)

    # -- state -----------------------------------------------------------------------------------------------------------------

    @property
    def open(self) -> int:
        """Connections open now, refused ones left out."""
        return self._served

    def under_way(self) -> list[RoundTrip]:
        """Round trips that have begun and not ended, oldest first."""
        return sorted(self._under_way.values(), key=lambda trip: trip.t_ns)

    def cut_all(self) -> int:
        """Closes every connection as if the network had; returns how many."""
        victims = list(self._connections)
        for connection in victims:
            connection.cut()
        return len(victims)

    def close(self) -> None:
        """Ends every connection and removes the folder. May be called twice."""
        if self._closed:
            return
        self._closed = True
        self.cut_all()
        self._loop.unwatch(self._watch)
        self._listener.close()
        self._remove_folder()

    # -- connections -----------------------------------------------------------------------------------------------------------

    def _accept(self, _events: int) -> None:
        for _ in range(ACCEPTS_AT_ONCE):
            try:
                client, _address = self._listener.accept()
            except BlockingIOError:
                return
            except OSError as error:
                self._rest(error)
                return
            self._admit(client)

    def _rest(self, error: OSError) -> None:
        """No descriptor is free: tries again a little later, rather than spinning."""
        if error.errno not in (errno.EMFILE, errno.ENFILE, errno.ENOBUFS, errno.ENOMEM):
            return
        self.complain(f"no more connections can be taken: {error.strerror}")
        self._loop.change(self._watch, 0)
        self._loop.call_later(REST_S, lambda: self._loop.change(self._watch, READ))

    def _admit(self, client: socket.socket) -> None:
        self.made += 1
        if self._served >= self._limit:
            self._refuse(client)
            return
        server = self._reach()
        if server is None:
            self.unreached += 1
            client.close()
            return
        self._served += 1
        self._connections[Connection(self._loop, self.made, client, server, self._new_dialect(), self)] = True

    def _refuse(self, client: socket.socket) -> None:
        self.refused += 1
        if self.refused == 1:
            self.complain(f"it opened more than {self._limit} connections to its store at once; the others were refused")
        if len(self._connections) - self._served >= MAX_REFUSED_OPEN:
            client.close()
            return
        self._connections[Connection(self._loop, self.made, client, None, self._new_dialect(), self)] = False

    def _reach(self) -> socket.socket | None:
        try:
            server = socket.socket(socket.AF_UNIX, socket.SOCK_STREAM)
        except OSError:  # no descriptor is left: whoever took them all is not to end the harness
            return None
        server.settimeout(CONNECT_PATIENCE_S)
        try:
            server.connect(str(self._store.socket))
        except OSError:
            server.close()
            return None
        return server

    # -- called by connections -------------------------------------------------------------------------------------------------

    def started(self, connection: Connection, request: Request) -> RoundTrip:
        """See `connection.Owner`."""
        trip = self._count(
            connection.number,
            request.kind,
            request_bytes=len(request.data),
            backend=connection.dialect.backend,
            describe=request.describe,
        )
        self._under_way[connection] = trip
        return trip

    def ended(self, trip: RoundTrip) -> None:
        """See `connection.Owner`."""
        for connection, held in self._under_way.items():
            if held is trip:
                del self._under_way[connection]
                break
        if self.on_end is not None:
            self.on_end(trip)

    def closed(self, connection: Connection) -> None:
        """See `connection.Owner`."""
        if self._connections.pop(connection, False):
            self._served -= 1
