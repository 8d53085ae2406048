"""How a process reaches its store: what is bound into its sandbox, what it is started with, and the URL that it is told.

A server is reached by its socket, or its proxy's; by a port of the loopback in front of that where the manifest says `store_tcp`.
A SQLite file is bound itself, and its operations are told by a shim (see `storeshim.c`) where somebody wants to hear of them.
"""

from __future__ import annotations

import select
import subprocess
import sys
from contextlib import ExitStack, suppress
from dataclasses import dataclass, field
from pathlib import Path

from harness.errors import InfraError, Undecided
from harness.runtime import tree
from harness.runtime.clock import shim_path, shim_unavailable
from harness.runtime.loop import Loop
from harness.runtime.proxy import OperationProxy, StoreProxy, TripCounter
from harness.runtime.proxy.operations import SOCKET_NAME
from harness.runtime.proxy.trips import Policy
from harness.runtime.sandbox import Launch, Mount, Sandbox, Spawned, choose
from harness.runtime.stores import SqliteStore, Store

STORE_SHIM = Path(__file__).with_name("storeshim.c")
FORWARDER = Path(__file__).with_name("tcp_forward.py")
SOCKETS_INSIDE = "/sockets"
FILE_INSIDE = "/store"
OPERATIONS_INSIDE = "/operations"
PORT_PATIENCE_S = 10.0


@dataclass(frozen=True, slots=True)
class Wiring:
    """See the module. `before` comes before the process's own command; `preload` are libraries; all may name `mounts` in braces."""

    url: str
    mounts: dict[str, Mount]
    env: dict[str, str] = field(default_factory=dict)
    preload: tuple[str, ...] = ()
    before: tuple[str, ...] = ()


def proxy_for(loop: Loop, processor: str, store: Store, policy: Policy) -> TripCounter:
    """What counts a processor's round trips with that store. Raises Undecided where nothing can, InfraError."""
    if not isinstance(store, SqliteStore):
        return StoreProxy(loop, processor, store, policy=policy)
    if (why_not := shim_unavailable(STORE_SHIM)) is not None:
        raise Undecided(f"its operations on the SQLite file cannot be seen or held here: {why_not}")
    return OperationProxy(loop, processor, store, policy=policy)


class Wirer:
    """Wires the processes of one trial, all in one kind of sandbox. A context manager; closing ends the forwarders that it began."""

    def __init__(self, sandbox: Sandbox, *, tcp: bool = False) -> None:
        self._sandbox, self._tcp = sandbox, tcp
        self._ports: dict[Path, int] = {}
        self._stack = ExitStack()

    def wire(self, store: Store, proxy: TripCounter | None = None) -> Wiring:
        """The way to that store, through that proxy if there is one. Raises InfraError."""
        if isinstance(store, SqliteStore):
            return self._to_file(store, proxy)
        folder = store.sockets if proxy is None else proxy.folder
        mount = Mount(folder, SOCKETS_INSIDE)
        mounts = {"store": mount}
        if not self._tcp:
            return Wiring(store.url(self._sandbox.inside(mount)), mounts)
        if self._sandbox.level == "none":
            return Wiring(store.tcp_url(self._port(folder / store.socket_name)), mounts)
        # The loopback of the sandbox is its own, so the usual port is free there.
        mounts["forwarder"] = Mount(FORWARDER, "/forwarder.py")
        before = ("python3", "-I", "-S", "{forwarder}", f"{{store}}/{store.socket_name}", str(store.usual_port), "--")
        return Wiring(store.tcp_url(store.usual_port), mounts, before=before)

    def _to_file(self, store: SqliteStore, proxy: TripCounter | None) -> Wiring:
        mount = Mount(store.data, FILE_INSIDE, writable=True)
        mounts = {"store": mount}
        url = store.url(self._sandbox.inside(mount))
        if proxy is None:
            return Wiring(url, mounts)
        shim = shim_path(STORE_SHIM)
        mounts["operations"] = Mount(proxy.folder, OPERATIONS_INSIDE)
        mounts["store_shim"] = Mount(shim.parent, "/store_shim")
        env = {
            "HARNESS_STORE_FILE": f"{{store}}/{store.file.name}",
            "HARNESS_STORE_OPERATIONS": f"{{operations}}/{SOCKET_NAME}",
        }
        return Wiring(url, mounts, env, preload=(f"{{store_shim}}/{shim.name}",))

    def _port(self, socket: Path) -> int:
        """A port of this machine's own loopback in front of that socket: one for all processes that are wired to it."""
        if socket not in self._ports:
            self._ports[socket] = self._forward(socket)
        return self._ports[socket]

    def _forward(self, socket: Path) -> int:
        launch = Launch((sys.executable, "-I", "-S", str(FORWARDER), str(socket), "0"), {}, cwd="/")
        spawned = choose("none").spawn(launch)
        self._stack.callback(_end, spawned)
        stdout = spawned.popen.stdout
        if stdout is None or not select.select([stdout], [], [], PORT_PATIENCE_S)[0]:
            raise InfraError(f"no port could be had in front of the store's socket within {PORT_PATIENCE_S:g} s")
        said = stdout.readline().strip()
        if not said.isdigit():
            raise InfraError("no port could be had in front of the store's socket")
        return int(said)

    def close(self) -> None:
        """See the class. May be called twice."""
        self._stack.close()


def _end(spawned: Spawned) -> None:
    tree.kill(spawned.root_pid)
    with suppress(subprocess.TimeoutExpired):
        spawned.popen.wait(PORT_PATIENCE_S)
    for pipe in (spawned.popen.stdin, spawned.popen.stdout, spawned.popen.stderr):
        if pipe is not None:
            pipe.close()
    if spawned.group is not None:
        spawned.group.close()
    spawned.cleanup()
