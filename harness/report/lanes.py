"""Geometry of lanes: who did what when, a lane for each, and the interval in question shaded; draws nothing.

All places are px in a box of `PLOT_PX` by the picture's height; the names of the lanes lie in a box of `NAMES_PX` beside it, so that
they can stay in sight while the picture is moved. What the evidence looks like: `lane_input`.
"""

from __future__ import annotations

import math
from collections.abc import Iterable, Mapping, Sequence
from dataclasses import dataclass
from typing import Any

from harness.report import broken_axis, lane_input
from harness.report.broken_axis import Axis, exact
from harness.report.lane_input import Link, Mark, Picture, Shaded, Span
from harness.report.lane_shapes import (
    BAR_PX,
    BARS,
    GLYPHS,
    LINKS,
    NAMES_PX,
    PLOT_PX,
    RIBBONS,
    TIP_CHARS,
    Box,
    Glyph,
    GlyphView,
    LaneView,
    Text,
    glyph_of,
    link_tone,
    tip,
    tone_of,
    when,
    word,
)
from harness.report.one_lane import OneLane
from harness.report.packing import brief, text_px
from harness.report.text import clip, visible

HEAD_PX = 36
AXIS_PX = 40
MAX_ROWS = 200
MAX_KEY = 30
CAPTION_CHARS = 400

_EDGE_PX = 14


@dataclass(frozen=True, slots=True)
class LinkView:
    """A line with its arrow head, or with a cross where it ended on its way."""

    path: str
    head: str
    cross: str
    tone: str
    tip: str


@dataclass(frozen=True, slots=True)
class ShadeView:
    """The shaded interval: a rectangle, and over it its length as an arrow with its label."""

    x: float
    width: float
    arrow: str
    label: str
    label_x: float


@dataclass(frozen=True, slots=True)
class BreakView:
    """A place where time is left out: what covers it, its two edges, and how much it is."""

    x: float
    width: float
    edges: str
    middle: float
    text: str


@dataclass(frozen=True, slots=True)
class Row:
    """One thing as text; `number` is its number on its lane."""

    at: str
    lane: str
    number: int
    label: str
    detail: str
    strong: bool


@dataclass(frozen=True, slots=True)
class Lanes:
    """Everything that a template needs to draw the picture; all places in px."""

    title: str
    unit: str
    caption: str
    description: str
    height: float
    axis_top: float
    axis: str
    lanes: list[LaneView]
    shade: ShadeView | None
    fills: list[Box]
    boxes: list[Box]
    links: list[LinkView]
    breaks: list[BreakView]
    leaders: str
    glyphs: list[GlyphView]
    texts: list[Text]
    ticks: list[tuple[float, str]]
    rows: list[Row]
    row_count: int
    key: list[Row]
    key_count: int
    legend: list[tuple[Glyph, str]]
    box_legend: list[tuple[str, str]]
    link_legend: list[tuple[str, str]]
    notes: list[str]
    width: int = PLOT_PX
    names_width: int = NAMES_PX


def build(evidence: Mapping[str, Any]) -> Lanes:
    """The geometry of evidence of kind 'lanes'; what is no mark, span or link on a known lane is left out."""
    picture = lane_input.read(evidence)
    axis = broken_axis.build(_edges(picture), PLOT_PX)
    top: float = HEAD_PX if picture.shaded else 8
    drawn: list[OneLane] = []
    for number in range(len(picture.lanes)):
        lane = OneLane(number, picture, axis, top)
        drawn.append(lane)
        top += lane.height
    items = sorted(
        ((item, number) for lane in drawn for item, number in lane.numbered), key=lambda one: (one[0].at, one[0].lane)
    )
    unnamed = {(lane.lane, number) for lane in drawn for number in lane.unnamed}
    key = [(item, number) for item, number in items if (item.lane, number) in unnamed]
    views = [lane.view for lane in drawn]
    return Lanes(
        title=picture.title,
        unit=picture.unit,
        caption=clip(picture.caption, CAPTION_CHARS),
        description=_description(picture),
        height=top + AXIS_PX,
        axis_top=top,
        axis=_axis_path(axis, top),
        lanes=views,
        shade=_shade(picture.shaded, axis),
        fills=[box for lane in drawn for box in lane.fills],
        boxes=[box for lane in drawn for box in lane.boxes],
        links=[_link(link, views, axis, picture) for link in picture.links],
        breaks=[_break(one, 4 if picture.shaded is None else HEAD_PX - 14, top, picture.unit) for one in axis.breaks],
        leaders="".join(lane.leaders for lane in drawn),
        glyphs=[glyph for lane in drawn for glyph in lane.glyphs],
        texts=[text for lane in drawn for text in lane.texts],
        ticks=axis.ticks(),
        rows=[_row(item, number, picture) for item, number in _kept(items)],
        row_count=len(items),
        key=[_row(item, number, picture) for item, number in key[:MAX_KEY]],
        key_count=len(key),
        legend=_legend(picture),
        box_legend=[(tone, word) for tone, word in (BARS | RIBBONS).items() if any(tone_of(s) == tone for s in picture.spans)],
        link_legend=[(tone, word) for tone, word in LINKS.items() if any(link_tone(link) == tone for link in picture.links)],
        notes=picture.notes,
    )


def _edges(picture: Picture) -> list[float]:
    items: Iterable[Mark | Span | Link] = (*picture.marks, *picture.spans, *picture.links)
    edges = [edge for item in items for edge in (item.at, item.end)]
    return edges + ([picture.shaded.at, picture.shaded.end] if picture.shaded else [])


# -- across the lanes ------------------------------------------------------------------------------------------------------------


def _link(link: Link, lanes: Sequence[LaneView], axis: Axis, picture: Picture) -> LinkView:
    x1, x2 = axis.x(link.at), axis.x(link.end)
    source = lanes[link.lane]
    y1, y2 = source.base, lanes[link.to_lane].base
    if link.broken:
        # It ends at the edge of its own lane, lest its cross be taken for something on another.
        edge = source.top + 3 if y2 < y1 else source.top + source.height - 5
        share = (edge - y1) / (y2 - y1)
        x2, y2 = x1 + (x2 - x1) * share, y1 + (y2 - y1) * share
    length = math.hypot(x2 - x1, y2 - y1) or 1.0
    ux, uy = (x2 - x1) / length, (y2 - y1) / length
    # It ends at the edge of a bar or a glyph, not in its middle.
    x2, y2 = (x2, y2) if link.broken else (x2 - ux * BAR_PX / 2, y2 - uy * BAR_PX / 2)
    path = f"M{x1:.1f},{y1:.1f}L{x2:.1f},{y2:.1f}"
    head = (
        f"M{x2:.1f},{y2:.1f}L{x2 - 7 * ux - 3.2 * uy:.1f},{y2 - 7 * uy + 3.2 * ux:.1f}"
        f"L{x2 - 7 * ux + 3.2 * uy:.1f},{y2 - 7 * uy - 3.2 * ux:.1f}Z"
    )
    cross = f"M{x2 - 4:.1f},{y2 - 4:.1f}l8,8m0,-8l-8,8"
    told = tip(link, picture.unit) + (" (did not arrive)" if link.broken else "")
    return LinkView(path, "" if link.broken else head, cross if link.broken else "", link_tone(link), told)


def _shade(shaded: Shaded | None, axis: Axis) -> ShadeView | None:
    if shaded is None:
        return None
    left, right = axis.x(shaded.at), axis.x(shaded.end)
    label = brief(shaded.label, 90)
    half = text_px(label, bold=True) / 2
    label_x = min(max((left + right) / 2, half + 2), PLOT_PX - half - 2)
    y = HEAD_PX - 11
    if right - left >= 2 * _EDGE_PX:
        arrow = f"M{left:g},{y}H{right:g}M{left + 6:g},{y - 4}L{left:g},{y}L{left + 6:g},{y + 4}"
        arrow += f"M{right - 6:g},{y - 4}L{right:g},{y}L{right - 6:g},{y + 4}"
    else:
        # Too narrow for an arrow between its edges: two from outside that point at them.
        arrow = f"M{left - 14:g},{y}H{left:g}M{left - 6:g},{y - 4}L{left:g},{y}L{left - 6:g},{y + 4}"
        arrow += f"M{right + 14:g},{y}H{right:g}M{right + 6:g},{y - 4}L{right:g},{y}L{right + 6:g},{y + 4}"
    return ShadeView(left, round(max(right - left, 1.5), 2), arrow, label, round(label_x, 2))


def _break(one: broken_axis.Break, top: float, bottom: float, unit: str) -> BreakView:
    """Two torn edges from top to bottom."""
    count = max(2, round((bottom - top) / 8))
    step = (bottom - top) / count
    points = [(3 if i % 2 else -3, top + i * step) for i in range(count + 1)]
    edges = ""
    for x in (one.left_px + 7, one.right_px - 7):
        edges += "M" + "L".join(f"{x + dx:.1f},{y:.1f}" for dx, y in points)
    text = (
        f"{exact(one.skipped / 1000)} s" if unit == "ms" and one.skipped >= 1000 else f"{_short(one.skipped)} {brief(unit, 8)}"
    )
    middle = (one.left_px + one.right_px) / 2
    return BreakView(one.left_px + 6, one.right_px - one.left_px - 12, edges, middle, text)


def _short(value: float) -> str:
    return f"{value:,.0f}" if value >= 100 else f"{value:.3g}"


def _axis_path(axis: Axis, top: float) -> str:
    lines = "".join(f"M{segment.left_px:g},{top:g}H{segment.right_px:g}" for segment in axis.segments)
    return lines + "".join(f"M{x:g},{top:g}v5" for x, _ in axis.ticks())


# -- in words --------------------------------------------------------------------------------------------------------------------


def _row(item: Mark | Span, number: int, picture: Picture) -> Row:
    return Row(
        at=when(item),
        lane=brief(picture.lanes[item.lane][0], 60),
        number=number,
        label=visible(clip(item.label or word(item), TIP_CHARS)),
        detail=visible(clip(item.detail, TIP_CHARS)),
        strong=item.strong,
    )


def _kept(items: Sequence[tuple[Mark | Span, int]]) -> list[tuple[Mark | Span, int]]:
    """At most `MAX_ROWS`, the strong ones among them."""
    places = sorted(range(len(items)), key=lambda at: not items[at][0].strong)[:MAX_ROWS]
    return [items[at] for at in sorted(places)]


def _legend(picture: Picture) -> list[tuple[Glyph, str]]:
    used = {id(glyph_of(mark)) for mark in picture.marks}
    return [(glyph, glyph.word) for glyph in GLYPHS.values() if id(glyph) in used]


def _description(picture: Picture) -> str:
    """The picture in a sentence or three, for those who do not see it."""
    names = ", ".join(brief(name, 30) for name, _ in picture.lanes)
    said = [f"Lanes: {names}." if names else "No lanes."]
    if picture.shaded:
        shaded = picture.shaded
        said.append(f"Shaded: {exact(shaded.at)}–{exact(shaded.end)} {brief(picture.unit, 20)}, {brief(shaded.label, 120)}.")
    items: list[Mark | Span] = [*picture.marks, *picture.spans]
    strong = [item for item in items if item.strong]
    for item in sorted(strong, key=lambda item: item.at)[:6]:
        said.append(f"{brief(item.label or word(item), 60)} on {brief(picture.lanes[item.lane][0], 30)} at {when(item)}.")
    return " ".join(said)
