"""Times taken in turns, so that what the machine does besides falls on all of them alike.

What is timed runs on one thread, and its processor time is what counts: a neighbour that takes the core away for
a while is not part of the work.
"""

import gc
from collections.abc import Callable, Mapping
from statistics import median
from time import thread_time

Row = dict[str, object]


def in_turns(works: Mapping[str, Callable[[], object]], repeats: int) -> dict[str, list[float]]:
    """Processor seconds each work took in each of `repeats` rounds; one round before them is thrown away."""
    seconds: dict[str, list[float]] = {name: [] for name in works}
    collecting = gc.isenabled()
    gc.disable()
    try:
        for round_number in range(repeats + 1):
            for name, work in works.items():
                start = thread_time()
                work()
                spent = thread_time() - start
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
