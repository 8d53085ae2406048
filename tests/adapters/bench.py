"""Real candidates on real stores: built by their manifests, started in the sandbox, driven by one loop.

Needs the network for the first build of each. `make adapters`, not `make test`.
"""

from __future__ import annotations

import functools
from collections.abc import Callable
from contextlib import ExitStack
from pathlib import Path
from typing import Any

from harness.candidate.resolve import resolve
from harness.candidate.values import Candidate
from harness.paths import PROJECT_ROOT
from harness.preparation import prepare
from harness.programs import program_of
from harness.runtime.actor import Actor, Call
from harness.runtime.loop import Loop
from harness.runtime.process import Process
from harness.runtime.proxy import StoreProxy
from harness.runtime.sandbox import Mount, choose
from harness.runtime.stores import PostgresStore, open_store

PATIENCE_S = 30.0


@functools.cache
def built(candidate_id: str) -> tuple[Candidate, Path]:
    """The candidate and its built tree; from the cache where it is there. Raises RuntimeError if the build fails."""
    prepared = prepare(resolve(candidate_id, root=PROJECT_ROOT), "auto")
    if prepared.tree is None:
        raise RuntimeError(f"{candidate_id} does not build: {prepared.problem}")
    return prepared.candidate, prepared.tree


class Bench:
    """A loop, one Postgres, and whatever runs on it. `emits` holds what processors have emitted, in order."""

    def __init__(self) -> None:
        self._stack = ExitStack()
        self.loop = Loop()
        self._stack.callback(self.loop.close)
        store = self._stack.enter_context(open_store("postgres"))
        if not isinstance(store, PostgresStore):
            raise TypeError("the store is no Postgres")
        self.store = store
        self.emits: list[dict[str, Any]] = []

    def proxy(self, name: str) -> StoreProxy:
        """A proxy of its own for each process."""
        made = StoreProxy(self.loop, name, self.store)
        self._stack.callback(made.close)
        return made

    def start(self, candidate_id: str, node: str = "p0", *, entry: str = "run") -> Processor:
        """A processor of an alert-dedup candidate, not yet initialized."""
        candidate, tree = built(candidate_id)
        spec = candidate.entries["run" if entry == "run" else "component"]["alert-dedup"]
        program = program_of(spec, tree, candidate.adapter, native=False)
        proxy = self.proxy(node)
        sandbox = choose("auto")
        mount = Mount(proxy.folder, "/sockets", writable=True)
        spawned = sandbox.spawn(program.launch(mounts={"sockets": mount}))
        actor = Actor(Process(spawned, None, node_id=node), self.loop)
        self._stack.callback(actor.close)
        return Processor(self, actor, proxy, proxy.url(sandbox.inside(mount)))

    def keep(self, close: Callable[[], object]) -> None:
        """Called at the end, before what was opened earlier is closed."""
        self._stack.callback(close)

    def wait(self, *calls: Call) -> list[Any]:
        """Until all are over; of each its decision, or whatever came in place of one."""
        if not self.loop.run_until(lambda: all(call.over for call in calls), PATIENCE_S):
            raise TimeoutError(f"no answer within {PATIENCE_S:g} s")
        return [call.result.get("decision", {}) if call.result is not None else call.error or call.lost for call in calls]

    def close(self) -> None:
        """Ends everything."""
        self._stack.close()


class Processor:
    """One process that speaks the protocol of alert-dedup."""

    def __init__(self, bench: Bench, actor: Actor, proxy: StoreProxy, url: str) -> None:
        self.bench, self.actor, self.proxy, self.url = bench, actor, proxy, url
        actor.on_notification = lambda _t_ns, message: bench.emits.append(message["params"])

    def begin(self) -> Call:
        """Sends `initialize` and does not wait."""
        params = {"protocol": 1, "challenge": "alert-dedup", "node": {"id": self.actor.name, "peers": []}, "clock": "wall"}
        store = {"kind": "postgres", "url": self.url, "prefix": "p_"}
        config = {"window_ms": 5000, "max_skew_ms": 3000}
        return self.actor.send("initialize", {**params, "seed": 1, "config": config, "store": store}, now_ms=1)

    def ready(self) -> Processor:
        """Initialized."""
        call = self.begin()
        self.bench.wait(call)
        self.actor.process.accept_initialize(call.value())
        return self

    def send(self, fingerprint: str, event_id: str, *, attempt: int = 1, severity: str = "high", message: str = "m") -> Call:
        """Sends an offer and does not wait."""
        alert = {"service": "s", "alert_type": "t", "severity": severity, "message": message}
        params = {"event_id": event_id, "attempt": attempt, "fingerprint": fingerprint, "alert": alert}
        return self.actor.send("offer", params, now_ms=1)

    def offer(self, fingerprint: str, event_id: str, **more: Any) -> Any:
        """An offer and what came of it."""
        return self.bench.wait(self.send(fingerprint, event_id, **more))[0]

    def resolve(self, fingerprint: str) -> None:
        """The condition is over."""
        self.bench.wait(self.actor.send("resolve", {"fingerprint": fingerprint}, now_ms=1))
