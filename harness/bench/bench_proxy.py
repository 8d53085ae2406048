"""Round trips through the store proxy next to direct ones, by the same client over the same sockets, one outstanding."""

from __future__ import annotations

import os
import subprocess
import sys
from statistics import median
from typing import Any

from harness.errors import InfraError
from harness.runtime.loop import READ, Loop
from harness.runtime.proxy import StoreProxy
from harness.runtime.stores import open_store, store_unavailable

ROUNDS = 7
TRIPS = 3000
WARM_UP = 300
PATIENCE_S = 120.0
LEAST_RATIO = 0.15  # three processes share what two had; below this something is wrong with the proxy
KINDS = ("redis", "postgres")

# The client is a process of its own, as a processor is: in a thread of ours it would wait for our interpreter, not for the proxy.
CLIENT = """
import sys, time
kind, url, trips = sys.argv[1], sys.argv[2], int(sys.argv[3])
if kind == "redis":
    import redis
    client = redis.Redis.from_url(url)
    ask = lambda: client.set("bench", "1", px=5000, nx=True)
else:
    import psycopg
    client = psycopg.connect(url, autocommit=True, prepare_threshold=0)
    ask = lambda: client.execute("SELECT %s::text", ("bench",)).fetchone()
for _ in range(WARM_UP):
    ask()
while sys.stdin.readline():
    started = time.perf_counter()
    for _ in range(trips):
        ask()
    print(trips / (time.perf_counter() - started), flush=True)
"""


class Client:
    """A client process that does a round of trips whenever it is told to."""

    def __init__(self, kind: str, url: str) -> None:
        source = CLIENT.replace("WARM_UP", str(WARM_UP))
        argv = [sys.executable, "-c", source, kind, url, str(TRIPS)]
        self._popen = subprocess.Popen(argv, stdin=subprocess.PIPE, stdout=subprocess.PIPE, bufsize=0)

    def round(self, loop: Loop) -> float:
        """Trips per second of one round, with the loop running meanwhile."""
        if self._popen.stdin is None or self._popen.stdout is None:
            raise InfraError("the client was started without pipes")
        self._popen.stdin.write(b"\n")
        fd = self._popen.stdout.fileno()
        heard = bytearray()

        def hear(_events: int) -> None:
            chunk = os.read(fd, 4096)
            heard.extend(chunk or b"\n")

        watch = loop.watch(fd, READ, hear)
        done = loop.run_until(lambda: heard.endswith(b"\n"), PATIENCE_S)
        loop.unwatch(watch)
        if not done or not heard.strip():
            raise InfraError(f"the client of the proxy benchmark gave no figure within {PATIENCE_S:g} s")
        return float(heard)

    def close(self) -> None:
        """Ends it."""
        self._popen.kill()
        self._popen.communicate()


def measured(kind: str) -> tuple[float, float]:
    """Median trips per second through the proxy and directly, rounds taken in turn."""
    loop = Loop()
    with open_store(kind) as store:
        proxy = StoreProxy(loop, "p0", store)
        proxied, direct = Client(kind, proxy.url(str(proxy.folder))), Client(kind, store.url(str(store.sockets)))
        try:
            pairs = [(proxied.round(loop), direct.round(loop)) for _ in range(ROUNDS)]
        finally:
            proxied.close()
            direct.close()
            proxy.close()
            loop.close()
    return median(pair[0] for pair in pairs), median(pair[1] for pair in pairs)


def run() -> list[dict[str, Any]]:
    """Two rows a store: proxied round trips, with their ratio to direct ones, and the direct ones."""
    rows: list[dict[str, Any]] = []
    for kind in KINDS:
        if store_unavailable(kind) is not None:
            continue
        proxied, direct = measured(kind)
        rows.append(
            {
                "name": f"round trips through the proxy, {kind}",
                "value": proxied,
                "unit": "per s",
                "ratio_to": "the same client without the proxy",
                "ratio": proxied / direct,
                "target": f">= {LEAST_RATIO:g}",
                "ok": proxied / direct >= LEAST_RATIO,
            }
        )
        rows.append({"name": f"round trips without the proxy, {kind}", "value": direct, "unit": "per s"})
    return rows
