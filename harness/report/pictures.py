"""Which charts a comparison draws, from results and their evidence alone: no challenge is known here by name.

A time line whose axis is not time is a curve: of the same title in several results it becomes one chart with a line for each.
A table of evidence with a column `level` becomes bars; curves of latency become one chart by percentile.
"""

from __future__ import annotations

import math
from collections import Counter, defaultdict
from collections.abc import Callable, Iterator, Mapping, Sequence
from typing import Any

from harness.report.side_charts import Chart, Series, levels, lines, scatter
from harness.report.summary import cost_usd, wall_minutes
from harness.report.text import one_line

Evidence = Mapping[str, Sequence[Mapping[str, Any]]]
MAX_CHARTS = 8


def charts(names: Sequence[str], results: Sequence[Mapping[str, Any]], evidence: Sequence[Evidence]) -> list[Chart]:
    """The charts that these results can fill; `names` label them."""
    found = [
        *_against(names, results, "cost", "cost of the commit, USD", cost_usd),
        *_against(names, results, "time", "time the model is said to have taken, minutes", wall_minutes),
        *_latency(names, evidence),
        *_curves(names, evidence),
        *_levels(names, evidence),
    ]
    return found[:MAX_CHARTS]


def _against(
    names: Sequence[str],
    results: Sequence[Mapping[str, Any]],
    what: str,
    axis: str,
    value: Callable[[Mapping[str, Any]], float | None],
) -> Iterator[Chart]:
    """Score against what it took, with the front: those that no other beats in both."""
    points = [
        (name, taken, float(result["score"]))
        for name, result in zip(names, results, strict=True)
        if (taken := value(result)) is not None and _number(result.get("score")) is not None
    ]
    if points:
        yield scatter(f"Score against {what}", axis, "score of 100", points, front(points))


def front(points: Sequence[tuple[str, float, float]]) -> list[tuple[str, float, float]]:
    """Those of the points (name, what it took, score) that none beats: taking less for as much, or as much for more; by what they took."""
    best: list[tuple[str, float, float]] = []
    for point in sorted(points, key=lambda one: (one[1], -one[2])):
        if not best or point[2] > best[-1][2] or point[1:] == best[-1][1:]:
            best.append(point)
    return best


def _latency(names: Sequence[str], evidence: Sequence[Evidence]) -> Iterator[Chart]:
    found: dict[str, list[Series]] = defaultdict(list)
    for name, pieces in zip(names, evidence, strict=True):
        for piece in _pieces(pieces, "latency"):
            for curve in piece.get("curves") or ():
                points = _points(curve.get("nines") or (), curve.get("ms") or ()) if curve.get("name") == "candidate" else ()
                if points:
                    found[str(piece.get("title"))].append(Series(name, tuple((x, max(y, 1e-3)) for x, y in points)))
    for title, series in found.items():
        yield lines(f"Latency: {one_line(title, 90)}", "percentile of requests", "ms", series, nines=True)


def _curves(names: Sequence[str], evidence: Sequence[Evidence]) -> Iterator[Chart]:
    found: dict[tuple[str, str, str], list[Series]] = defaultdict(list)
    for name, pieces in zip(names, evidence, strict=True):
        for piece in _pieces(pieces, "timeline"):
            unit = str(piece.get("unit") or "s")
            if unit == "s" or unit.startswith("s "):
                continue
            for series in piece.get("series") or ():
                points = _points(piece.get("t_s") or (), series.get("values") or ())
                if points:
                    found[str(piece.get("title")), unit, str(series.get("label"))].append(Series(name, points))
    for (title, unit, label), series in found.items():
        yield lines(f"{one_line(label, 60)}: {one_line(title, 90)}", one_line(unit, 40), one_line(label, 60), series)


def _levels(names: Sequence[str], evidence: Sequence[Evidence]) -> Iterator[Chart]:
    found: dict[str, list[tuple[str, Mapping[int, int]]]] = defaultdict(list)
    for name, pieces in zip(names, evidence, strict=True):
        for piece in _pieces(pieces, "table"):
            columns = list(piece.get("columns") or ())
            if "level" not in columns:
                continue
            place = columns.index("level")
            seen = Counter(row[place] for row in piece.get("rows") or () if len(row) > place and isinstance(row[place], int))
            if seen:
                found[str(piece.get("title"))].append((name, seen))
    for title, counts in found.items():
        yield levels(one_line(title, 120), counts)


def _pieces(evidence: Evidence, kind: str) -> Iterator[Mapping[str, Any]]:
    for pieces in evidence.values():
        yield from (piece for piece in pieces if isinstance(piece, Mapping) and piece.get("kind") == kind)


def _points(xs: Sequence[Any], ys: Sequence[Any]) -> tuple[tuple[float, float], ...]:
    pairs = [(_number(x), _number(y)) for x, y in zip(xs, ys, strict=False)]
    return tuple((x, y) for x, y in pairs if x is not None and y is not None)


def _number(value: object) -> float | None:
    if isinstance(value, bool) or not isinstance(value, int | float) or not math.isfinite(value):
        return None
    return float(value)
