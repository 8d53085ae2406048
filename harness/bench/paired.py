"""Times taken in turns, so that what the machine does besides falls on all of them alike.

What is timed runs on one thread, and its processor time is what counts: a neighbour that takes the core away for
a while is not part of the work. Where a server works as well, its processor time counts with it (`with_servers`), and both
share a core (`one_core`): what waking another core costs, and whether one is woken at all, is the machine's affair.
"""

import ctypes
import gc
import os
import time
from collections.abc import Callable, Iterable, Iterator, Mapping
from contextlib import contextmanager
from statistics import median
from time import thread_time

Row = dict[str, object]
_libc = ctypes.CDLL(None)


@contextmanager
def one_core() -> Iterator[None]:
    """This thread, and the processes that it starts meanwhile, on one core: the last of those allowed."""
    allowed = os.sched_getaffinity(0)
    os.sched_setaffinity(0, {max(allowed)})
    try:
        yield
    finally:
        os.sched_setaffinity(0, allowed)


def with_servers(pids: Iterable[int]) -> Callable[[], float]:
    """A clock: processor seconds of this thread and of those processes. Raises OSError, now or later, for one that is not there."""
    clocks = [_clock_of(pid) for pid in pids]
    return lambda: thread_time() + sum(map(time.clock_gettime, clocks))


def _clock_of(pid: int) -> int:
    clock = ctypes.c_int()
    if (error := _libc.clock_getcpuclockid(pid, ctypes.byref(clock))) != 0:
        raise OSError(error, f"process {pid} has no processor clock: {os.strerror(error)}")
    return clock.value


def in_turns(
    works: Mapping[str, Callable[[], object]], repeats: int, clock: Callable[[], float] = thread_time
) -> dict[str, list[float]]:
    """Seconds by `clock` each work took in each of `repeats` rounds; one round before them is thrown away."""
    seconds: dict[str, list[float]] = {name: [] for name in works}
    collecting = gc.isenabled()
    gc.disable()
    try:
        for round_number in range(repeats + 1):
            for name, work in works.items():
                start = clock()
                work()
                spent = clock() - start
                if round_number:
                    seconds[name].append(spent)
            gc.collect()
    finally:
        if collecting:
            gc.enable()
    return seconds


def speed_ratio(ours_s: list[float], peers_s: list[float]) -> float:
    """How many times as fast as the peer we are: the median over rounds of the ratio within a round."""
    return median(peer / ours for ours, peer in zip(ours_s, peers_s, strict=True))


def row(name: str, value: float, unit: str, ratio_to: str = "", ratio: float = 0.0, target: float = 0.0) -> Row:
    """One line of the benchmark's table; without a target it is for information, and always ok."""
    return {
        "name": name,
        "value": round(value, 4),
        "unit": unit,
        "ratio_to": ratio_to or None,
        "ratio": round(ratio, 3) if ratio_to else None,
        "target": target or None,
        "ok": ratio >= target,
    }
