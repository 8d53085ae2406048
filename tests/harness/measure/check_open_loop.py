"""On a quiet machine: what is measured of a server with known delays is what Lindley's recursion says of the same plan.

Not part of `make test`, since it asks how quiet the machine is: `python -m pytest -o python_files='check_*.py' tests/harness/measure`.
"""

from __future__ import annotations

import sys
from collections.abc import Iterator
from pathlib import Path
from typing import Any

import numpy as np
import pytest

from harness.measure.contest import quiet_here
from harness.measure.lindley import latencies_ms
from harness.measure.load import Request, drive, on_cores, sender_alone
from harness.measure.plan import poisson
from harness.measure.statistics import quantile
from harness.runtime.process import Process
from harness.runtime.sandbox import Launch, Mount, choose

RATE, SECONDS = 1667.0, 12.0
MOST_APART_MS = 0.3

SERVER = """
import os, time, msgspec
decode = msgspec.json.Decoder().decode
buffer = b""
while chunk := os.read(0, 1 << 16):
    buffer += chunk
    while b"\\n" in buffer:
        began = time.monotonic_ns()
        line, buffer = buffer.split(b"\\n", 1)
        asked = decode(line)
        until = began + asked["params"]["needs_ns"]
        while (now := time.monotonic_ns()) < until:
            pass
        os.write(1, b'{"jsonrpc":"2.0","id":%d,"result":{"took_ns":%d}}\\n' % (asked["id"], now - began))
"""


@pytest.fixture
def server() -> Iterator[Process]:
    launch = Launch((sys.executable, "-c", SERVER), {"checkout": Mount(Path("/"), "/")})
    with sender_alone() as cores:
        with on_cores(cores):
            process = Process(choose("none").spawn(launch), None)
        with process:
            yield process


@pytest.mark.parametrize("delay_ms", [2, 5, 20])
def test_measured_and_computed_agree(server: Process, delay_ms: int) -> None:
    """The recursion gets what the server says that it took for each, so that its own hiccups are in both; a trip is added to all.

    Requests are sent when they are due, so that a trip keeps the server from nothing.
    """
    server.capabilities = frozenset({"pipelining"})
    rng = np.random.default_rng(delay_ms)
    due_ns = poisson(RATE, SECONDS, rng)
    delayed = rng.random(len(due_ns)) < 0.01
    needs_ns = np.where(delayed, delay_ms * 1_000_000, 0)
    took_ns: list[int] = []

    def served(result: dict[str, Any]) -> bool:
        took_ns.append(result["took_ns"])
        return True

    requests = [Request("ingest", b'{"now_ms":0,"needs_ns":%d}' % needs, served) for needs in needs_ns.tolist()]
    with quiet_here():
        sample = drive(server, due_ns, requests)
    service_ns = np.array(took_ns, np.int64)
    alone = latencies_ms(due_ns, service_ns)
    measured = sample.latency_ms
    trip_ms = float(np.median(measured - alone))
    computed = alone + trip_ms
    apart = {q: quantile(measured, q) - quantile(computed, q) for q in (0.99, 0.999)}
    shown = {q: (round(quantile(measured, q), 3), round(quantile(computed, q), 3)) for q in apart}
    print(f"delay {delay_ms} ms, trip {trip_ms:.3f} ms: measured, computed {shown}")
    assert all(abs(value) < MOST_APART_MS for value in apart.values()), shown
