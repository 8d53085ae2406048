"""A single server that takes requests in order, computed instead of run: what a measured one is checked against."""

from __future__ import annotations

import numpy as np

from harness.measure.statistics import Ints


def departures(due_ns: Ints, service_ns: Ints) -> Ints:
    """When each request leaves, in ns: it is begun once it is due and its predecessor has left, shape (n,).

    Lindley's recursion d[i] = max(due[i], d[i-1]) + service[i], without the loop.
    """
    done = np.cumsum(service_ns)
    return np.asarray(done + np.maximum.accumulate(due_ns - (done - service_ns)))


def latencies_ms(due_ns: Ints, service_ns: Ints) -> np.typing.NDArray[np.float64]:
    """From due to gone, in ms, shape (n,)."""
    return np.asarray((departures(due_ns, service_ns) - due_ns) / 1e6)
