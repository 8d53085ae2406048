"""Charts of several results as SVG that sits inside a page: its colours are the page's, its text stays text.

Altair describes them and vl-convert draws them, without a browser or a network. What comes back is taken apart and written
anew from a list of allowed elements and attributes: a candidate's words are among its labels.
"""

from __future__ import annotations

import re
from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from typing import Any
from xml.etree import ElementTree

import altair
import vl_convert
from markupsafe import Markup, escape

from harness.report.text import one_line, visible

WIDTH, HEIGHT = 420, 240
MAX_LINES = 16
MAX_POINTS = 2_000
LABEL_LIMIT = 44
# Percentiles by their nines: equal steps towards the tail. A fixed expression; no label of a candidate enters it.
NINES = (
    "datum.value == 0 ? '0' : datum.value == 1 ? '90 %' : datum.value == 2 ? '99 %' : datum.value == 3 ? '99.9 %' : '99.99 %'"
)
# Drawn in these, then given over to the style sheet, which knows light and dark.
INK, SOFT, RULE, PAPER = "#010101", "#020202", "#030303", "#040404"
SERIES = ("#050001", "#050002", "#050003", "#050004", "#050005", "#050006", "#050007", "#050008")
LEVELS = ("#060000", "#060001", "#060002", "#060003")
_VARIABLES = {
    INK: "var(--ink)",
    SOFT: "var(--soft)",
    RULE: "var(--rule)",
    PAPER: "var(--paper)",
    **{colour: f"var(--chart{i})" for i, colour in enumerate(SERIES)},
    **{colour: f"var(--level{i})" for i, colour in enumerate(LEVELS)},
}
_ELEMENTS = frozenset({"svg", "g", "path", "rect", "line", "circle", "text", "tspan", "title", "desc", "defs", "clipPath"})
_ALLOWED = (
    "viewBox width height transform d x y x1 x2 y1 y2 dx dy cx cy r rx ry fill stroke stroke-width stroke-dasharray stroke-opacity "
    "stroke-miterlimit stroke-linejoin stroke-linecap fill-opacity opacity text-anchor font-size font-weight clip-path id"
)
_ATTRIBUTES = frozenset(_ALLOWED.split())
_VALUE = re.compile(r"[A-Za-z0-9#.,()\s%+_-]*")
_REFERENCE = re.compile(r"url\(#([A-Za-z0-9_-]+)\)")
_NINES_AXIS = altair.Axis(labelExpr=NINES, values=[0, 1, 2, 3, 4])
# One fewer than there are colours: the ninth has the first colour, and must not have its shape as well.
_SHAPES = ("circle", "square", "triangle-up", "diamond", "cross", "triangle-down", "triangle-right")
_DASHES = ([1, 0], [6, 3], [2, 2], [8, 2, 2, 2], [10, 4], [4, 1], [1, 3])


@dataclass(frozen=True, slots=True)
class Chart:
    """One chart: `svg` is safe to place, `description` says in a sentence what it shows."""

    title: str
    description: str
    svg: Markup


@dataclass(frozen=True, slots=True)
class Series:
    """One line of a chart: a label, and its points (x, y)."""

    label: str
    points: tuple[tuple[float, float], ...]


def scatter(
    title: str,
    x_title: str,
    y_title: str,
    points: Sequence[tuple[str, float, float]],
    front: Sequence[tuple[str, float, float]] = (),
) -> Chart:
    """Labelled points (label, x, y): colour and shape tell them apart. Through those of the `front` goes a stair."""
    rows = [{"label": _label(name), "x": taken, "y": score} for name, taken, score in points[:MAX_LINES]]
    highest = max((taken for _, taken, _ in points), default=0.0) or 1.0
    x = altair.X("x:Q", title=x_title, scale=altair.Scale(domain=[0, 1.08 * highest]))
    y = altair.Y("y:Q", title=y_title, scale=altair.Scale(domain=[0, 100]))
    names = [str(row["label"]) for row in rows]
    marks = (
        altair.Chart(_data(rows))
        .mark_point(size=90, filled=True, opacity=1)
        .encode(
            x=x,
            y=y,
            color=_colours(names),
            shape=altair.Shape("label:N", scale=altair.Scale(domain=names, range=_cycled(_SHAPES, len(names))), sort=None),
        )
    )
    stair = (
        altair.Chart(_data([{"x": taken, "y": score} for _, taken, score in front]))
        .mark_line(interpolate="step-after", color=SOFT, strokeDash=[3, 3], strokeWidth=1.5)
        .encode(x=x, y=y)
    )
    told = f" None beats {', '.join(_label(name) for name, _, _ in front)} in both." if front else ""
    said = f"{y_title} against {x_title} of {len(rows)} results.{told}"
    return _drawn(title, said, altair.LayerChart(layer=[stair, marks]) if front else marks, len(points) > MAX_LINES)


def lines(title: str, x_title: str, y_title: str, series: Sequence[Series], *, nines: bool = False) -> Chart:
    """Lines over a common axis: colour and dash tell them apart. With `nines`, x counts the nines of a percentile, y is logarithmic."""
    kept = series[:MAX_LINES]
    names = [_label(one.label) for one in kept]
    each = max(2, MAX_POINTS // max(1, len(kept)))
    rows = [{"label": name, "x": x, "y": y} for name, one in zip(names, kept, strict=True) for x, y in one.points[:each]]
    marks = (
        altair.Chart(_data(rows))
        .mark_line(point=altair.OverlayMarkDef(size=30, filled=True, opacity=1), strokeWidth=2)
        .encode(
            x=altair.X("x:Q", title=x_title, axis=_NINES_AXIS if nines else altair.Axis(), scale=altair.Scale(zero=False)),
            y=altair.Y("y:Q", title=y_title, scale=altair.Scale(type="log") if nines else altair.Scale(zero=True)),
            color=_colours(names),
            strokeDash=altair.StrokeDash(
                "label:N", scale=altair.Scale(domain=names, range=_cycled(_DASHES, len(names))), sort=None
            ),
        )
    )
    return _drawn(title, f"{y_title} against {x_title} for {', '.join(names)}.", marks, len(series) > MAX_LINES)


def levels(title: str, counts: Sequence[tuple[str, Mapping[int, int]]]) -> Chart:
    """A bar for each label, divided by how often each level from 0 (worst) to 3 was seen."""
    kept = counts[:MAX_LINES]
    names = [_label(name) for name, _ in kept]
    rows = [
        {"label": name, "level": f"level {level}", "order": level, "count": count}
        for name, (_, found) in zip(names, kept, strict=True)
        for level, count in sorted(found.items())
        if 0 <= level < len(LEVELS)
    ]
    marks = (
        altair.Chart(_data(rows))
        .mark_bar(stroke=PAPER, strokeWidth=1)
        .encode(
            y=altair.Y("label:N", title=None, sort=names, scale=altair.Scale(domain=names)),
            x=altair.X("count:Q", title="crash points", stack="zero"),
            color=altair.Color(
                "level:N",
                title=None,
                scale=altair.Scale(domain=[f"level {i}" for i in range(len(LEVELS))], range=list(LEVELS)),
            ),
            order=altair.Order("order:Q"),
        )
    )
    return _drawn(
        title,
        f"How many crash points ended at which level, for {', '.join(names)}.",
        marks,
        len(counts) > MAX_LINES,
        26 * len(names),
    )


def _data(rows: Sequence[Mapping[str, Any]]) -> altair.InlineData:
    return altair.InlineData(values=[dict(row) for row in rows])


def _label(text: str) -> str:
    """A label fit to draw; callers number them as their tables do, so that two cut ones differ."""
    shown = " ".join(visible(text).split())
    return shown if len(shown) <= LABEL_LIMIT else f"{shown[: LABEL_LIMIT - 1]}…"


def _cycled(values: Sequence[Any], count: int) -> list[Any]:
    return [values[i % len(values)] for i in range(count)]


def _colours(names: Sequence[str]) -> altair.Color:
    scale = altair.Scale(domain=list(names), range=_cycled(SERIES, len(names)))
    return altair.Color("label:N", title=None, scale=scale, sort=None)


def _drawn(title: str, description: str, chart: altair.Chart | altair.LayerChart, cut: bool, height: int = HEIGHT) -> Chart:
    spec = chart.properties(width=WIDTH, height=height, background="transparent").configure(**_CONFIG).to_dict()
    svg = vl_convert.vegalite_to_svg(spec, allowed_base_urls=[])
    more = f" Only the first {MAX_LINES} are drawn." if cut else ""
    said = f"{one_line(description, 400)}{more}"
    return Chart(one_line(title, 160), said, safe_svg(svg, f"{one_line(title, 160)}. {said}"))


_AXIS = {"labelFontSize": 11, "titleFontSize": 11, "titleFontWeight": "normal", "labelColor": SOFT, "titleColor": SOFT}
_CONFIG: dict[str, Any] = {
    "font": "sans-serif",
    "axis": {**_AXIS, "gridColor": RULE, "domainColor": SOFT, "tickColor": SOFT, "labelLimit": 260},
    "view": {"stroke": None},
    "legend": {"labelColor": INK, "labelFontSize": 11, "labelLimit": 320, "orient": "bottom", "columns": 1, "titleColor": SOFT},
}


def safe_svg(svg: str, label: str) -> Markup:
    """`svg` written anew from allowed elements and attributes, sentinel colours as the page's variables; `label` describes it.

    Raises ValueError where it is no SVG.
    """
    try:
        root = ElementTree.fromstring(svg)
    except ElementTree.ParseError as error:
        raise ValueError(f"the chart is no well-formed SVG: {error}") from error
    prefix = f"c{abs(hash_of(svg)):x}-"
    inner = "".join(_written(child, prefix) for child in root)
    box = root.get("viewBox") or "0 0 1 1"
    width = box.split()[2] if len(box.split()) == 4 else "1"
    return Markup(
        f'<svg class="chart" role="img" aria-label="{escape(visible(label))}" viewBox="{escape(box)}" '
        f'style="max-width:{escape(width)}px" xmlns="http://www.w3.org/2000/svg">{inner}</svg>'
    )


def hash_of(text: str) -> int:
    """A small number that is the same in every run, so that ids of two charts in a page do not meet."""
    value = 0
    for char in text[:4000]:
        value = (value * 31 + ord(char)) % (1 << 32)
    return value


def _written(element: ElementTree.Element, prefix: str) -> str:
    name = element.tag.rpartition("}")[2]
    if name not in _ELEMENTS:
        return ""
    kept = "".join(_attribute(key, value, prefix) for key, value in element.attrib.items())
    style = ";".join(f"{key}:{_VARIABLES[value]}" for key, value in element.attrib.items() if _is_variable(key, value))
    kept += f' style="{style}"' if style else ""
    text = escape(visible(element.text or "")) if name in ("text", "tspan", "title", "desc") else ""
    inner = "".join(_written(child, prefix) + _tail(child, name) for child in element)
    return f"<{name}{kept}>{text}{inner}</{name}>"


def _tail(child: ElementTree.Element, parent: str) -> str:
    return str(escape(visible(child.tail or ""))) if parent == "text" else ""


def _is_variable(key: str, value: str) -> bool:
    # A presentation attribute may not hold a variable everywhere; a style may.
    return key in ("fill", "stroke") and value in _VARIABLES


def _attribute(key: str, value: str, prefix: str) -> str:
    reference = _REFERENCE.fullmatch(value)
    if key not in _ATTRIBUTES or not _VALUE.fullmatch(value) or ("url(" in value and not reference) or value in _VARIABLES:
        return ""
    if key == "id":
        return f' id="{escape(prefix + value)}"'
    if reference:
        return f' {key}="url(#{escape(prefix + reference.group(1))})"'
    return f' {key}="{escape(value)}"'
