"""Seeded log traffic by a published formula: rate curve x error-probability curve, as columns of numbers.

Arrivals of one service are a Poisson process with intensity rate(t): a homogeneous process at the curve's highest rate,
of which each arrival at t is kept with probability rate(t) / highest. A kept log is an error with probability error(t).
Only uniform doubles of the given generator are used, so one seed gives one stream, to the byte, on every machine.
"""

from __future__ import annotations

import math
from collections.abc import Callable, Sequence
from dataclasses import dataclass, replace

import numpy as np
import numpy.typing as npt

Ints = npt.NDArray[np.int64]
Column = npt.NDArray[np.int16]
Floats = npt.NDArray[np.float64]
Bools = npt.NDArray[np.bool_]

# The first five are canonical; the rest are odd spellings of the two that count as errors.
LEVELS = ("debug", "info", "warn", "error", "fatal", "ERROR", "Fatal", "eRRor", "FATAL")
IS_ERROR: Bools = np.array([level.lower() in ("error", "fatal") for level in LEVELS])
_PICKS = 1000

MESSAGES = (
    "GET /api/orders/1842 200 12 ms",
    "GET /api/cart/77 200 in 8 ms",
    "POST /api/checkout 201 31 ms",
    "cache hit for profile:5521",
    "job nightly-report step 3",
    "session of user 90417 renewed",
    "upstream timed out: 3000 ms",
    "connection refused by db-2",
    "unhandled exception in worker",
    "POST /api/checkout 502 3 s",
)
_CALM_MESSAGES = 6  # the first so many go with logs that are no errors


def _pick_table(calm: Callable[[int], int], bad: Callable[[int], int]) -> Column:
    return np.array([calm(pick) for pick in range(_PICKS)] + [bad(pick) for pick in range(_PICKS)], np.int16)


# What one draw of 0.._PICKS-1 means for a log that is no error, then for one that is: level (of calm logs 12 % debug,
# 80 % info, 8 % warn; of errors 90 % error, 10 % fatal) and message (all equally often).
_LEVEL_OF_PICK = _pick_table(lambda n: (n >= 120) + (n >= 920), lambda n: 3 + (n >= 900))
_ODD_LEVEL_OF_PICK = _pick_table(lambda n: (n >= 120) + (n >= 920), lambda n: 5 + n % 4)
_MESSAGE_OF_PICK = _pick_table(lambda n: n % _CALM_MESSAGES, lambda n: _CALM_MESSAGES + n % (len(MESSAGES) - _CALM_MESSAGES))


@dataclass(frozen=True, slots=True)
class Curve:
    """A value over seconds of stream: linear between knots `(t_s, value)`, constant outside them.

    Two knots at one time make a step; at that time the later value holds. Raises ValueError for no knots, unordered
    times or a negative value.
    """

    knots: tuple[tuple[float, float], ...]

    def __post_init__(self) -> None:
        times = [t_s for t_s, _ in self.knots]
        if not times or times != sorted(times) or any(value < 0 for _, value in self.knots):
            raise ValueError(f"a curve needs knots in order of time with values >= 0, got {self.knots}")

    @property
    def highest(self) -> float:
        return max(value for _, value in self.knots)

    def at(self, t_s: Floats) -> Floats:
        """Values at times of shape (n,), shape (n,)."""
        if len(self.knots) == 1:
            return np.full(len(t_s), self.knots[0][1])
        times = np.array([t for t, _ in self.knots])
        values = np.array([v for _, v in self.knots])
        left = np.searchsorted(times, t_s, side="right") - 1
        first, last = np.clip(left, 0, None), np.clip(left + 1, None, len(times) - 1)
        width = times[last] - times[first]
        share = np.where(left < 0, 0.0, (t_s - times[first]) / np.where(width > 0, width, 1.0))
        return np.asarray(values[first] + np.clip(share, 0.0, 1.0) * (values[last] - values[first]))


def flat(value: float) -> Curve:
    """The same value at all times."""
    return Curve(((0.0, value),))


def steps(first: float, *changes: tuple[float, float]) -> Curve:
    """`first`, then from each `(t_s, value)` on that value."""
    knots = [(0.0, first)]
    for t_s, value in changes:
        knots += [(t_s, knots[-1][1]), (t_s, value)]
    return Curve(tuple(knots))


@dataclass(frozen=True, slots=True)
class Source:
    """One service: logs per second and share of errors, both over seconds since the start of the stream.

    `odd_case` spells the levels of its errors in odd letter case.
    """

    service: str
    rate: Curve
    error: Curve
    odd_case: bool = False


@dataclass(frozen=True, slots=True)
class Traffic:
    """Logs in order of arrival, as columns of shape (n,): `ts_ms`, and indices into `services`, LEVELS and MESSAGES.

    The stream lasts from `start_ms` to `end_ms` (epoch ms), with or without logs at its ends.
    """

    services: tuple[str, ...]
    ts_ms: Ints
    service: Column
    level: Column
    message: Column
    start_ms: int
    end_ms: int

    def __len__(self) -> int:
        return len(self.ts_ms)

    @property
    def errors(self) -> Bools:
        """Which logs count as errors, shape (n,)."""
        return np.asarray(IS_ERROR[self.level])

    def rows(self, keep: Bools | Ints | slice) -> Traffic:
        """The chosen rows, in the order that `keep` gives."""
        return replace(
            self,
            ts_ms=self.ts_ms[keep],
            service=self.service[keep],
            level=self.level[keep],
            message=self.message[keep],
        )

    def log(self, row: int) -> dict[str, int | str]:
        """One log as the protocol shows it."""
        return {
            "ts_ms": int(self.ts_ms[row]),
            "service": self.services[self.service[row]],
            "level": LEVELS[self.level[row]],
            "message": MESSAGES[self.message[row]],
        }


def z1(rate: float, p0: float, p1: float) -> float:
    """Effect size of a step of the error share in one second at `rate` logs/s; p0 is floored at 0.1 %."""
    floored = max(p0, 0.001)
    return (p1 - p0) * math.sqrt(rate) / math.sqrt(floored * (1 - floored))


def p1_for(rate: float, p0: float, wanted_z1: float, extra_errors_s: float) -> float:
    """The smallest p1 that has at least that effect size and that many extra errors a second.

    Raises ValueError where no share of errors below 95 % does it.
    """
    floored = max(p0, 0.001)
    p1 = p0 + max(wanted_z1 * math.sqrt(floored * (1 - floored) / rate), extra_errors_s / rate)
    if p1 > 0.95:
        raise ValueError(f"{rate} logs/s from p0 {p0} cannot reach z1 {wanted_z1} with +{extra_errors_s} errors/s")
    return p1


def generate(sources: Sequence[Source], start_ms: int, duration_s: float, rng: np.random.Generator) -> Traffic:
    """The logs of all sources over `duration_s` seconds, merged. A source's own logs do not depend on those after it."""
    end_ms = start_ms + round(duration_s * 1000)
    children = rng.spawn(len(sources))
    return merge(
        [_one(source, start_ms, end_ms, child) for source, child in zip(sources, children, strict=True)],
        start_ms=start_ms,
        end_ms=end_ms,
    )


def _one(source: Source, start_ms: int, end_ms: int, rng: np.random.Generator) -> Traffic:
    t_s = _arrivals(source.rate, (end_ms - start_ms) / 1000, rng)
    error = rng.random(len(t_s)) < source.error.at(t_s)
    pick = (rng.random(len(t_s)) * _PICKS).astype(np.int16) + np.where(error, _PICKS, 0).astype(np.int16)
    return Traffic(
        services=(source.service,),
        ts_ms=start_ms + (t_s * 1000).astype(np.int64),
        service=np.zeros(len(t_s), np.int16),
        level=(_ODD_LEVEL_OF_PICK if source.odd_case else _LEVEL_OF_PICK)[pick],
        message=_MESSAGE_OF_PICK[pick],
        start_ms=start_ms,
        end_ms=end_ms,
    )


def _arrivals(rate: Curve, duration_s: float, rng: np.random.Generator) -> Floats:
    """Arrival times in seconds, shape (n,), in order, by thinning."""
    if rate.highest == 0 or duration_s <= 0:
        return np.empty(0)
    pieces: list[Floats] = []
    reached = 0.0
    while reached < duration_s:
        count = int((duration_s - reached) * rate.highest * 1.01) + 64
        times = reached + np.cumsum(-np.log1p(-rng.random(count))) / rate.highest
        pieces.append(times)
        reached = float(times[-1])
    t_s = np.concatenate(pieces)
    t_s = t_s[: np.searchsorted(t_s, duration_s)]
    if min(value for _, value in rate.knots) == rate.highest:
        return t_s
    return t_s[rng.random(len(t_s)) * rate.highest < rate.at(t_s)]


def merge(parts: Sequence[Traffic], *, start_ms: int | None = None, end_ms: int | None = None) -> Traffic:
    """All logs in order of time; logs of equal time stand in the order of `parts`. Equal service names become one."""
    names: dict[str, int] = {}
    maps = [np.array([names.setdefault(s, len(names)) for s in part.services], np.int16) for part in parts]
    ts_ms = np.concatenate([part.ts_ms for part in parts])
    whole = Traffic(
        services=tuple(names),
        ts_ms=ts_ms,
        service=np.concatenate([table[part.service] for table, part in zip(maps, parts, strict=True)]),
        level=np.concatenate([part.level for part in parts]),
        message=np.concatenate([part.message for part in parts]),
        start_ms=min(part.start_ms for part in parts) if start_ms is None else start_ms,
        end_ms=max(part.end_ms for part in parts) if end_ms is None else end_ms,
    )
    if len(parts) == 1:
        return whole
    return whole.rows(np.argsort(ts_ms, kind="stable"))


def shifted(traffic: Traffic, by_ms: int) -> Traffic:
    """The same stream, `by_ms` later."""
    return replace(
        traffic,
        ts_ms=traffic.ts_ms + by_ms,
        start_ms=traffic.start_ms + by_ms,
        end_ms=traffic.end_ms + by_ms,
    )


def with_ties(traffic: Traffic, grid_ms: int) -> Traffic:
    """Times rounded down to a grid, so that many logs share one `ts_ms`; order of arrival is kept."""
    return replace(traffic, ts_ms=traffic.ts_ms - traffic.ts_ms % grid_ms)


def reordered_ties(traffic: Traffic, keys: Floats, *, from_ms: int = 0, to_ms: int | None = None) -> Traffic:
    """Logs of equal `ts_ms` in the order of `keys` (shape (n,)), where from_ms <= ts_ms < to_ms; else as they were."""
    inside = (traffic.ts_ms >= from_ms) & (traffic.ts_ms < (traffic.end_ms + 1 if to_ms is None else to_ms))
    order = np.arange(len(traffic), dtype=np.float64)
    return traffic.rows(np.lexsort((order, np.where(inside, keys, 0.0), traffic.ts_ms)))


def between(traffic: Traffic, from_ms: int, to_ms: int) -> Traffic:
    """The part of the stream with from_ms <= ts_ms < to_ms."""
    inside = (traffic.ts_ms >= from_ms) & (traffic.ts_ms < to_ms)
    return replace(traffic.rows(inside), start_ms=from_ms, end_ms=to_ms)
