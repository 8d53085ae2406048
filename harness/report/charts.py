"""Charts of the latency and memory sections, as SVG: from evidence of the kinds `latency` and `memory` to path data and text.

Evidence is read back from disk, so nothing of it is believed: numbers are taken as finite floats or not at all, names are
those that this module knows.
"""

from __future__ import annotations

import functools
import hashlib
import json
import math
import re
from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from typing import Any

WIDTH, HEIGHT = 640, 260
MOST_POINTS = 200
MOST_LINES = 8
_INK = "#010203"  # stands for the page's own text colour, which an SVG made elsewhere cannot know
_STYLES: dict[str, tuple[str, list[int]]] = {
    "candidate": ("#c8551b", [1, 0]),
    "candidate, uncorrected": ("#c8551b", [3, 3]),
    "no-op": ("#85898e", [1, 0]),
    "reference": ("#2f7fd0", [7, 3]),
    "bare round trip": ("#2f7fd0", [2, 2]),
    "median": ("#2f7fd0", [1, 0]),
    "maximum": ("#c8551b", [1, 0]),
}
_NINES = "datum.value == 0 ? '0' : datum.value == 1 ? '90 %' : datum.value == 2 ? '99 %' : datum.value == 3 ? '99.9 %' : datum.value == 4 ? '99.99 %' : '99.999 %'"
_TEXT = {"labelColor": _INK, "titleColor": _INK, "labelFontSize": 12, "titleFontSize": 12, "titleFontWeight": "normal"}
_CONFIG: dict[str, Any] = {
    "font": "sans-serif",
    "view": {"stroke": None},
    "axis": {**_TEXT, "domainColor": _INK, "tickColor": _INK, "gridColor": _INK, "gridOpacity": 0.12, "tickCount": 6},
    "legend": {**_TEXT, "orient": "top", "symbolStrokeWidth": 2},
}


@dataclass(frozen=True, slots=True)
class Chart:
    """One chart: `svg` is markup made here from numbers; `description` says in words what it shows."""

    title: str
    description: str
    svg: str


@dataclass(frozen=True, slots=True)
class _Axes:
    x: str
    y: str
    log: bool = False
    nines: bool = False
    rule: float | None = None


def charts(piece: Mapping[str, Any]) -> list[Chart]:
    """The charts of one piece of evidence; none for a kind that has none, or where there is nothing to draw."""
    title = str(piece.get("title", ""))[:200]
    match piece.get("kind"):
        case "latency":
            budget = _number(piece.get("budget_ms"))
            return [*_percentiles(title, piece, budget), *_over_time(title, piece, budget)]
        case "memory":
            return _memory(title, piece)
    return []


def _percentiles(title: str, piece: Mapping[str, Any], budget: float | None) -> list[Chart]:
    lines = [(str(raw.get("name")), _points(raw.get("nines"), raw.get("ms"))) for raw in _mappings(piece.get("curves"))]
    axes = _Axes("percentile of requests, the axis stretched towards the tail", "ms", log=True, nines=True, rule=budget)
    words = (
        "Latency from the intended start by percentile; uncorrected means from the actual send, as a client that waits sees it."
    )
    return _chart(f"{title}: percentiles", words, lines, axes)


def _over_time(title: str, piece: Mapping[str, Any], budget: float | None) -> list[Chart]:
    over = piece.get("over_time")
    if not isinstance(over, Mapping):
        return []
    lines = [("median", _points(over.get("s"), over.get("p50"))), ("maximum", _points(over.get("s"), over.get("max")))]
    axes = _Axes("seconds that the candidate was under load", "ms", log=True, rule=budget)
    words = "Median and maximum of the latency in each quarter of a second, rounds one after the other."
    return _chart(f"{title}: over time", words, lines, axes)


def _memory(title: str, piece: Mapping[str, Any]) -> list[Chart]:
    lines = [(str(raw.get("name")), _points(raw.get("logs"), raw.get("mib"))) for raw in _mappings(piece.get("lines"))]
    words = "Resident memory of all its processes over the logs handed over; the second half decides."
    return _chart(title, words, lines, _Axes("logs", "MiB"))


def _chart(title: str, words: str, lines: Sequence[tuple[str, list[tuple[float, float]]]], axes: _Axes) -> list[Chart]:
    known = [(name, points) for name, points in lines[:MOST_LINES] if name in _STYLES and points]
    if not known:
        return []
    return [Chart(title, words, _svg(json.dumps([known, [axes.x, axes.y, axes.log, axes.nines, axes.rule]])))]


@functools.lru_cache(maxsize=64)
def _svg(told: str) -> str:
    """The SVG of such lines; a page is written anew whenever a requirement ends, and these are the slow part of it."""
    import altair as alt  # noqa: PLC0415 - takes a second to load, and few pages have charts
    import vl_convert  # noqa: PLC0415 - see above

    lines, (x, y, log, nines, rule) = json.loads(told)
    names = [name for name, _ in lines]
    rows = [{"who": name, "x": a, "y": max(b, 1e-3) if log else b} for name, points in lines for a, b in points]
    scale = alt.Scale(type="log") if log else alt.Scale(zero=True)
    axis = alt.Axis(labelExpr=_NINES, values=[0, 1, 2, 3, 4, 5]) if nines else alt.Axis()
    chart: Any = (
        alt.Chart(alt.InlineData(values=rows))
        .mark_line(strokeWidth=1.6, clip=True)
        .encode(
            alt.X("x:Q", title=x, axis=axis),
            alt.Y("y:Q", title=y, scale=scale),
            alt.Color("who:N", title=None, sort=names, scale=alt.Scale(domain=names, range=[_STYLES[n][0] for n in names])),
            alt.StrokeDash(
                "who:N", title=None, sort=names, scale=alt.Scale(domain=names, range=[_STYLES[n][1] for n in names])
            ),
        )
    )
    if rule is not None:
        chart += alt.Chart(alt.InlineData(values=[{"y": rule}])).mark_rule(strokeDash=[6, 4], color=_INK).encode(alt.Y("y:Q"))
    spec = chart.properties(width=WIDTH, height=HEIGHT, background="transparent", padding=6).to_dict()
    spec["config"] = _CONFIG
    svg = str(vl_convert.vegalite_to_svg(spec)).replace(_INK, "currentColor")
    # Several stand on one page, and the renderer numbers clips through all that it ever drew: the page would differ each time.
    own = "c" + hashlib.sha256(told.encode()).hexdigest()[:10]
    named: dict[str, str] = {}
    return re.sub(r'( id="|url\(#)(\w+)', lambda found: found[1] + named.setdefault(found[2], f"{own}-clip{len(named)}"), svg)


def _number(value: object) -> float | None:
    good = isinstance(value, int | float) and not isinstance(value, bool) and math.isfinite(value)
    return float(value) if good and isinstance(value, int | float) else None


def _points(xs: object, ys: object) -> list[tuple[float, float]]:
    """Pairs of finite numbers, thinned where there are many; what is out of all proportion is left out."""
    if not isinstance(xs, list) or not isinstance(ys, list):
        return []
    pairs = [(_number(x), _number(y)) for x, y in zip(xs, ys, strict=False)]
    good = [(x, y) for x, y in pairs if x is not None and y is not None and abs(x) < 1e12 and 0 <= y < 1e12]
    return good[:: -(-len(good) // MOST_POINTS) or 1]


def _mappings(value: object) -> list[Mapping[str, Any]]:
    return [item for item in value if isinstance(item, Mapping)] if isinstance(value, list) else []
