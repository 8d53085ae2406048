"""On a quiet machine: what is measured of a server with known delays is what Lindley's recursion says of the same plan.

Not part of `make test`, since it asks how quiet the machine is: `python -m pytest -o python_files='check_*.py' tests/harness/measure`.
"""

from __future__ import annotations

import sys
from collections.abc import Iterator
from dataclasses import dataclass
from pathlib import Path
from typing import Any

import numpy as np
import pytest

from harness.measure.contest import quiet_here
from harness.measure.lindley import departures, latencies_ms
from harness.measure.load import Request, drive, on_cores, sender_alone
from harness.measure.plan import poisson
from harness.measure.statistics import quantile
from harness.runtime.process import Process
from harness.runtime.sandbox import Launch, Mount, choose

RATE, SECONDS, ROUNDS = 1667.0, 12.0, 5
MOST_APART_MS = 0.3
QUANTILES = (0.99, 0.999)

# A reply cannot hold what writing it cost, so each tells how long the request before it kept the server, its reply included.
SERVER = """
import os, time, msgspec
decode = msgspec.json.Decoder().decode
buffer, kept = b"", 0
while chunk := os.read(0, 1 << 16):
    began = time.monotonic_ns()
    *lines, buffer = (buffer + chunk).split(b"\\n")
    for line in lines:
        asked = decode(line)
        until = began + asked["params"]["needs_ns"]
        while time.monotonic_ns() < until:
            pass
        os.write(1, b'{"jsonrpc":"2.0","id":%d,"result":{"before_ns":%d}}\\n' % (asked["id"], kept))
        ended = time.monotonic_ns()
        began, kept = ended, ended - began
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
    """The recursion gets what the server says that each took and when each was really sent, so that what the machine does to
    the one and to the other is in both; a trip is added to all.

    That each is sent when it is due is asked for itself: all but one in a hundred are. Of the rounds the median one decides:
    a reply that is read late, because the sender was not let run, is in neither.
    """
    server.capabilities = frozenset({"pipelining"})
    with quiet_here():
        rounds = [_round(server, delay_ms, seed=100 * delay_ms + number) for number in range(ROUNDS)]
    middle = {q: float(np.median([each.apart_ms[q] for each in rounds])) for q in QUANTILES}
    lag_ms = float(np.median([each.lag_ms for each in rounds]))
    print(f"delay {delay_ms} ms: the median round is apart by {middle}, its sender late by {lag_ms:.3f} ms at p99")
    assert all(abs(value) < MOST_APART_MS for value in (*middle.values(), lag_ms)), rounds


@dataclass(frozen=True, slots=True)
class Round:
    """How far the measured quantiles lie from the computed, and the p99 of the sender's own lag, in ms."""

    apart_ms: dict[float, float]
    lag_ms: float


def _round(server: Process, delay_ms: int, seed: int) -> Round:
    rng = np.random.default_rng(seed)
    due_ns = poisson(RATE, SECONDS, rng)
    needs_ns = np.where(rng.random(len(due_ns)) < 0.01, delay_ms * 1_000_000, 0)
    before_ns: list[int] = []

    def served(result: dict[str, Any]) -> bool:
        before_ns.append(result["before_ns"])
        return True

    requests = [Request("ingest", b'{"now_ms":0,"needs_ns":%d}' % needs, served) for needs in needs_ns.tolist()]
    sample = drive(server, due_ns, requests)
    service_ns = np.array([*before_ns[1:], needs_ns[-1]], np.int64)
    alone_ms = (departures(sample.sent_ns, service_ns) - due_ns) / 1e6
    trip_ms = float(np.median(sample.latency_ms - alone_ms))
    planned_ms = latencies_ms(due_ns, service_ns) + trip_ms
    lag_ms = quantile(sample.sender_lag_ms, 0.99)
    shown = {
        q: tuple(round(quantile(of, q), 3) for of in (sample.latency_ms, alone_ms + trip_ms, planned_ms)) for q in QUANTILES
    }
    print(f"delay {delay_ms} ms, trip {trip_ms:.3f} ms, lag {lag_ms:.3f} ms: measured, computed as sent, as planned {shown}")
    return Round({q: shown[q][0] - shown[q][1] for q in QUANTILES}, lag_ms)
