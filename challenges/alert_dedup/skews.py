"""How the clocks of a run are off, as functions of true time: plain values, without a field.

Whatever a clock does, no two of a run, the store's included, are ever further apart than the specification allows (3 s): `check`
says so for a scenario, and the driver (`clocks`) for every moment that it plays.
"""

from __future__ import annotations

from collections.abc import Callable, Sequence
from dataclasses import dataclass

PROCESSORS = 3
MAX_SKEW_MS = 3000.0
STEP_MS = 100.0
STROBE_MS = (-500.0, 2500.0)
DRIFT = 0.05
DRIFT_MS = 30_000.0
# Up and down by 3 s, each in the midst of a window; one processor's clock at a time is away from the others.
JUMPS = ((1700.0, 0, 2500.0), (6900.0, 0, -500.0), (8500.0, 2, -2500.0), (12_100.0, 2, 500.0))
BEFORE_RESTART_MS, AFTER_RESTART_MS = 2100.0, -900.0

Skews = tuple[float, ...]


@dataclass(frozen=True, slots=True)
class Scenario:
    """`at(t)`: how far each processor's clock is off at `t` ms of true time since the start of the run, in ms; the store's by
    `store_ms` throughout. `moves` names what the clocks do where they move (looked at every 100 ms), '' where they stand."""

    name: str
    at: Callable[[float], Skews]
    store_ms: float = 0.0
    moves: str = ""


def constant(*skews_ms: float) -> Callable[[float], Skews]:
    """Off by these throughout."""
    return lambda _t_ms: skews_ms


def jumping(t_ms: float) -> Skews:
    """See `JUMPS`."""
    skews = [-500.0, 0.0, 500.0]
    for at_ms, processor, skew_ms in JUMPS:
        if t_ms >= at_ms:
            skews[processor] = skew_ms
    return tuple(skews)


def strobing(t_ms: float) -> Skews:
    """The first clock and the last change between two values every 100 ms, each where the other one is not."""
    odd = int(t_ms / STEP_MS + 1e-6) % 2
    return (STROBE_MS[odd], 0.0, STROBE_MS[1 - odd])


def drifting(t_ms: float) -> Skews:
    """All processors' clocks run 5 % fast, and pass the store's in the middle of the run."""
    return (DRIFT * (min(t_ms, DRIFT_MS) - DRIFT_MS / 2),) * PROCESSORS


THREE_APART = Scenario("processors -1.5, 0 and +1.5 s off", constant(-1500.0, 0.0, 1500.0))
AHEAD = Scenario("one processor 3 s ahead", constant(0.0, 3000.0, 0.0))
BEHIND = Scenario("one processor 3 s behind", constant(0.0, -3000.0, 0.0))
STORE_AHEAD = Scenario("the store 3 s ahead of all", constant(0.0, 0.0, 0.0), store_ms=3000.0)
STORE_BEHIND = Scenario("the store 3 s behind all", constant(0.0, 0.0, 0.0), store_ms=-3000.0)
JUMP = Scenario("clocks jump by 3 s within a window", jumping, moves="jump")
STROBE = Scenario("clocks strobe every 100 ms", strobing, moves="strobe")
DRIFTING = Scenario("clocks run 5 % fast", drifting, moves="drift")
RESTART = Scenario("a clock steps back by 3 s at a restart", constant(BEFORE_RESTART_MS, 0.0, 0.0))
SCENARIOS = (THREE_APART, AHEAD, BEHIND, STORE_AHEAD, STORE_BEHIND, JUMP, STROBE, DRIFTING, RESTART)


def spread_ms(skews: Sequence[float], store_ms: float) -> float:
    """How far the two clocks are apart that differ most."""
    every = (*skews, store_ms)
    return max(every) - min(every)


def check(skews: Sequence[float], store_ms: float) -> None:
    """Raises ValueError where two clocks are further apart than the specification allows: no candidate has to bear that."""
    apart_ms = spread_ms(skews, store_ms)
    if apart_ms > MAX_SKEW_MS:
        raise ValueError(f"clocks {apart_ms:g} ms apart are beyond the {MAX_SKEW_MS:g} ms of the specification")
