"""From rounds to the figures that a scorecard shows, as plain JSON, and to the decision over a budget."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from pathlib import Path
from typing import Any

import numpy as np

from harness.measure.rounds import Rounds
from harness.measure.sample import Sample, joined
from harness.measure.statistics import Blocks, Decision, Floats, Interval, block_bootstrap, finite, order_interval, quantile
from harness.results.layout import EvaluationFolder
from harness.runtime.trial import Trial

BLOCK_NS = 100_000_000
QS = {"p50": 0.5, "p90": 0.9, "p99": 0.99, "p99.9": 0.999}
_CURVE_POINTS = 60
_OVER_TIME_NS = 250_000_000


@dataclass(frozen=True, slots=True)
class Judged:
    """Intervals of the gated quantiles, and what they say of the budget together."""

    intervals: dict[str, Interval]
    decision: Decision


def judge(rounds: Rounds, gated: Sequence[str], budget_ms: float, rng: np.random.Generator) -> Judged:
    """Whether every one of `gated` (names in QS) lies below the budget: fails if one is above, passes if all are below.

    What the no-op lost at the same quantile of the same rounds is the machine's doing: only what lies above the budget by more
    than that is charged; between the two it is inconclusive.
    """
    valid = rounds.valid
    if not valid:
        return Judged({}, Decision.INCONCLUSIVE)
    blocks = Blocks.cut([(one.mine.latency_ms, one.mine.due_ns) for one in valid], BLOCK_NS)
    intervals = dict(zip(gated, block_bootstrap(blocks, [QS[name] for name in gated], rng), strict=True))
    floor_ms = np.concatenate([one.floor.latency_ms for one in valid])
    each = {interval.against(budget_ms, quantile(floor_ms, QS[name])) for name, interval in intervals.items()}
    if not rounds.enough:
        return Judged(intervals, Decision.INCONCLUSIVE)
    if Decision.FAIL in each:
        return Judged(intervals, Decision.FAIL)
    return Judged(intervals, Decision.PASS if each == {Decision.PASS} else Decision.INCONCLUSIVE)


def quantiles(samples: Floats) -> dict[str, float | None]:
    """p50 p90 p99 p99.9 max, in the samples' unit; null where they are infinite or there are none."""
    if not len(samples):
        return dict.fromkeys([*QS, "max"])
    return {name: finite(quantile(samples, q)) for name, q in QS.items()} | {"max": finite(float(samples.max()))}


def row(who: str, samples: Sequence[Sample], lags: bool = True) -> dict[str, Any]:
    """One line of the table: from the plan, from the send, the sender's lag, what was dropped."""
    latency = np.concatenate([sample.latency_ms for sample in samples])
    from_send = np.concatenate([sample.from_send_ms for sample in samples])
    lag = np.concatenate([sample.sender_lag_ms for sample in samples])
    sent = quantiles(from_send)
    found: dict[str, Any] = {"who": who, "requests": len(latency)}
    found |= {f"{name}_ms": value for name, value in quantiles(latency).items()}
    found |= {f"uncorrected {name}_ms": sent[name] for name in ("p99", "p99.9", "max")}
    found["sender lag p99.9_ms"] = quantiles(lag)["p99.9"]
    return found | {cause: sum(sample.dropped()[cause] for sample in samples) for cause in samples[0].dropped()}


def per_round(rounds: Rounds) -> list[dict[str, Any]]:
    """Each round with the interval that its order statistics give, valid or not."""
    found = []
    for number, one in enumerate(rounds.run):
        interval = order_interval(one.mine.latency_ms, QS["p99"])
        found.append(
            {
                "round": number + 1,
                "p99_ms": finite(interval.value),
                "from_ms": finite(interval.low),
                "to_ms": finite(interval.high),
                "no-op p99.9_ms": quantiles(one.floor.latency_ms)["p99.9"],
                "no-op sender lag p99.9_ms": quantiles(one.floor.sender_lag_ms)["p99.9"],
                "counts": "yes" if not one.noise else f"no: {one.noise}",
            }
        )
    return found


def ratios(mine: Mapping[str, Any], other: Mapping[str, Any]) -> dict[str, float | None]:
    """`mine` over `other`, quantile by quantile."""
    found: dict[str, float | None] = {}
    for name in QS:
        above, below = mine[f"{name}_ms"], other[f"{name}_ms"]
        found[name] = None if above is None or not below else round(above / below, 2)
    return found


# -- for the charts --------------------------------------------------------------------------------------------------------------


def curve(name: str, samples: Floats) -> dict[str, Any]:
    """A percentile curve: `nines` (1 is 90 %, 2 is 99 %) and `ms`, up to the last sample; what is infinite is left out."""
    ordered = np.sort(samples)
    most = float(np.log10(max(len(ordered), 2)))
    nines = np.linspace(0, most, _CURVE_POINTS)
    at = np.minimum(np.ceil((1 - 10**-nines) * len(ordered)).astype(int), len(ordered) - 1)
    points = [(round(float(x), 3), round(float(y), 4)) for x, y in zip(nines, ordered[at], strict=True) if np.isfinite(y)]
    return {"name": name, "nines": [x for x, _ in points], "ms": [y for _, y in points]}


def over_time(rounds: Rounds) -> dict[str, list[float | None]]:
    """Median and maximum of each quarter of a second of the rounds that count (or of all), one after the other; `s` is candidate time."""
    found: dict[str, list[float | None]] = {"s": [], "p50": [], "max": []}
    offset_s = 0.0
    for one in rounds.valid or rounds.run:
        bins = one.mine.due_ns // _OVER_TIME_NS
        latency = one.mine.latency_ms
        for number in np.unique(bins).tolist():
            own = latency[bins == number]
            found["s"].append(round(offset_s + number * _OVER_TIME_NS / 1e9, 2))
            found["p50"].append(finite(quantile(own, 0.5)))
            found["max"].append(finite(float(own.max())))
        offset_s += (int(bins.max()) + 1) * _OVER_TIME_NS / 1e9
    return found


def all_latency(samples: Sequence[Sample]) -> Floats:
    """The latencies of several stretches as one array."""
    return np.concatenate([sample.latency_ms for sample in samples])


def all_from_send(samples: Sequence[Sample]) -> Floats:
    """The uncorrected latencies of several stretches as one array."""
    return np.concatenate([sample.from_send_ms for sample in samples])


# -- raw samples -----------------------------------------------------------------------------------------------------------------


def keep_samples(trial: Trial, name: str, samples: Sequence[Sample]) -> str:
    """Leaves the raw samples in the evaluation's folder as `.npz`; the file's name."""
    return keep_arrays(trial, name, joined(samples))


def keep_arrays(trial: Trial, name: str, arrays: Mapping[str, Any]) -> str:
    """Leaves arrays in the evaluation's folder as `.npz`; the file's name."""
    folder = EvaluationFolder(Path(trial.cell.journal).parent).samples
    folder.mkdir(parents=True, exist_ok=True)
    path = folder / f"{trial.requirement}-{name}.npz"
    np.savez_compressed(path, **arrays)
    return path.name
