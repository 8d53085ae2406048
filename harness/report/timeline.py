"""Geometry of a timeline: series over time, true and allowed intervals, events as marks; draws nothing.

Horizontal places are percentages of the width, so one drawing fits a phone and a printed page without
scaling its text; vertical places are pixels.
"""

from __future__ import annotations

import math
from collections.abc import Mapping, Sequence
from dataclasses import dataclass, field
from typing import Any

from harness.report.text import clip, number

MAX_POINTS = 400
MAX_PANELS = 6
MAX_BANDS = 60
MAX_ONSETS = 60
MAX_LISTED = 40

# Beyond these, differences of floats vanish and an axis has no room between its ends.
LARGEST = 10**15
SMALLEST = 1e-9

LANE_PX = 18
PANEL_PX = 66
GAP_PX = 18
AXIS_PX = 34
PAD_PX = 10
_PATH_WIDTH = 1000
_PATH_HEIGHT = 100
_CHAR_PX = 6.2
_WIDE_PX = 720
_NARROW_PX = 270


@dataclass(frozen=True, slots=True)
class Band:
    """An interval, places in percent. `label_fits`: 'always', 'wide' (on wide screens only) or 'never'."""

    left: float
    width: float
    label: str
    span: str
    label_at: float
    label_inside: bool
    label_fits: str


@dataclass(frozen=True, slots=True)
class Lane:
    """One strip above the series: its `bands`, and `top` in px. `tone` is its CSS class."""

    name: str
    tone: str
    top: int
    bands: list[Band]


@dataclass(frozen=True, slots=True)
class Panel:
    """One series: `path` lies in a box of 1000 x 100; `ticks` are (px from the top of the figure, text)."""

    label: str
    top: int
    path: str
    ticks: list[tuple[float, str]]


@dataclass(frozen=True, slots=True)
class Mark:
    """One onset: `at` percent of the width, and what a reader is told of it."""

    at: float
    title: str


@dataclass(frozen=True, slots=True)
class Listed:
    """One event as a row of text."""

    time: str
    onset: bool
    label: str
    detail: str


@dataclass(frozen=True, slots=True)
class Timeline:
    """Everything that a template needs to draw one timeline; `height` and every `top` in px."""

    title: str
    unit: str
    description: str
    height: int
    events_top: int
    plot_top: int
    axis_top: int
    lanes: list[Lane]
    panels: list[Panel]
    marks: list[Mark]
    raw_path: str
    raw_count: int
    onset_count: int
    ticks: list[tuple[float, str, bool]]
    listed: list[Listed]
    notes: list[str] = field(default_factory=list)


@dataclass(frozen=True, slots=True)
class _Axis:
    low: float
    high: float

    def percent(self, value: float) -> float:
        return round(100 * (min(max(value, self.low), self.high) - self.low) / (self.high - self.low), 3)


def build(evidence: Mapping[str, Any]) -> Timeline:
    """The geometry of evidence of kind 'timeline'; values that are no finite numbers are left out."""
    times = [finite(t) for t in _list(evidence.get("t_s"))]
    events = _events(evidence)
    bands = {key: _intervals(evidence.get(key)) for key in ("truth", "allowed")}
    axis = _axis(times, events, [edge for found in bands.values() for band in found for edge in band[:2]])
    lanes = _lanes(bands, axis)
    events_top = len(lanes) * LANE_PX
    plot_top = events_top + (LANE_PX if events else 0) + PAD_PX
    panels = _panels(evidence, times, axis, plot_top)
    axis_top = plot_top + len(panels) * (PANEL_PX + GAP_PX) - (GAP_PX if panels else 0)
    onsets = [event for event in events if event[1]]
    return Timeline(
        title=str(evidence.get("title") or "timeline"),
        unit=str(evidence.get("unit") or "s"),
        description=_description(bands, events, onsets, "events" in evidence),
        height=axis_top + AXIS_PX,
        events_top=events_top,
        plot_top=plot_top,
        axis_top=axis_top,
        lanes=lanes,
        panels=panels,
        marks=[Mark(axis.percent(t), f"{clock(t)} s: {clip(name, 200)}") for t, _, name, _ in onsets[:MAX_ONSETS]],
        raw_path=_raw_path([event[0] for event in events if not event[1]], axis),
        raw_count=len(events) - len(onsets),
        onset_count=len(onsets),
        ticks=_time_ticks(axis),
        listed=_listed(events),
        notes=_notes(evidence, bands, onsets),
    )


_Event = tuple[float, bool, str, str]
_Interval = tuple[float, float, str]


def clock(seconds: float) -> str:
    """A moment of stream time: to the hundredth of a second, without trailing zeros."""
    return f"{seconds:,.2f}".rstrip("0").rstrip(".")


def _list(value: object) -> Sequence[Any]:
    return value if isinstance(value, Sequence) and not isinstance(value, str | bytes) else ()


def finite(value: object) -> float | None:
    """`value` as a float that can be drawn: clamped to +-`LARGEST`, None where it is no finite number."""
    if isinstance(value, bool) or not isinstance(value, int | float):
        return None
    clamped = min(max(value, -LARGEST), LARGEST)
    if not math.isfinite(value if isinstance(value, float) else clamped):
        return None
    return float(clamped) if abs(clamped) > SMALLEST else 0.0


def _events(evidence: Mapping[str, Any]) -> list[_Event]:
    found = []
    for event in _list(evidence.get("events")):
        time = finite(event.get("t_s")) if isinstance(event, Mapping) else None
        if time is not None:
            name, detail = str(event.get("label") or "event"), str(event.get("detail") or "")
            found.append((time, bool(event.get("onset")), name, detail))
    return sorted(found, key=lambda event: event[0])


def _intervals(value: object) -> list[_Interval]:
    found = []
    for item in _list(value):
        if not isinstance(item, Mapping):
            continue
        start, end = finite(item.get("from_s")), finite(item.get("to_s"))
        if start is not None and end is not None and end >= start:
            found.append((start, end, str(item.get("label") or "")))
    return sorted(found)


def _axis(times: Sequence[float | None], events: Sequence[_Event], edges: Sequence[float]) -> _Axis:
    known = [t for t in times if t is not None] + [event[0] for event in events]
    known = known or list(edges) or [0.0]
    low, high = min(known), max(known)
    return _Axis(low, high if high - low > SMALLEST else low + 1)


def _lanes(bands: Mapping[str, Sequence[_Interval]], axis: _Axis) -> list[Lane]:
    lanes: list[Lane] = []
    for tone, intervals in bands.items():
        if intervals:
            shown = _bands(intervals[:MAX_BANDS], axis)
            lanes.append(Lane(tone, tone, len(lanes) * LANE_PX, shown))
    return lanes


def _bands(intervals: Sequence[_Interval], axis: _Axis) -> list[Band]:
    starts = [axis.percent(start) for start, _, _ in intervals] + [100.0]
    bands = []
    for i, (start, end, name) in enumerate(intervals):
        left, right = starts[i], axis.percent(end)
        span = f"{clock(start)}–{clock(end)} s"
        needed = len(name) * _CHAR_PX + 8
        # Inside the band if it is wide enough, else behind it up to the next one.
        inside = needed <= (right - left) / 100 * _WIDE_PX
        room = (right - left if inside else starts[i + 1] - right) / 100
        fits = "always" if needed <= room * _NARROW_PX else "wide" if needed <= room * _WIDE_PX else "never"
        bands.append(Band(left, round(right - left, 3), name, span, left if inside else right, inside, fits))
    return bands


def _panels(evidence: Mapping[str, Any], times: Sequence[float | None], axis: _Axis, plot_top: int) -> list[Panel]:
    panels: list[Panel] = []
    for series in _list(evidence.get("series"))[:MAX_PANELS]:
        if isinstance(series, Mapping):
            values = [finite(v) for v in _list(series.get("values"))]
            points = list(zip(times, values, strict=False))
            top = plot_top + len(panels) * (PANEL_PX + GAP_PX)
            panels.append(_panel(str(series.get("label") or "series"), points, axis, top))
    return panels


def _panel(label: str, points: Sequence[tuple[float | None, float | None]], axis: _Axis, top: int) -> Panel:
    known = [value for _, value in points if value is not None]
    low, high = min([0.0, *known]), max([0.0, *known])
    step = nice_step(high - low, 2)
    low, high = math.floor(low / step) * step, math.ceil(high / step) * step
    high = high if high > low else low + step
    marks = [low + i * step for i in range(round((high - low) / step) + 1)]
    ticks = [(round(top + PANEL_PX * (high - mark) / (high - low), 1), number(round(mark, 9))) for mark in marks]
    return Panel(label, top, _area(downsample(points, MAX_POINTS), axis, low, high), ticks)


def downsample(points: Sequence[tuple[float | None, float | None]], limit: int) -> list[tuple[float | None, float | None]]:
    """At most `limit` of `points`: of each stretch the lowest and the highest stay, so no spike is lost."""
    if len(points) <= limit:
        return list(points)
    stretches = limit // 2
    kept: list[tuple[float | None, float | None]] = []
    for i in range(stretches):
        stretch = points[i * len(points) // stretches : (i + 1) * len(points) // stretches]
        known = [j for j, (_, value) in enumerate(stretch) if value is not None]
        if not known:
            kept.append((stretch[0][0], None))
            continue
        chosen = {
            min(known, key=lambda j: stretch[j][1] or 0.0),
            max(known, key=lambda j: stretch[j][1] or 0.0),
        }
        kept.extend(stretch[j] for j in sorted(chosen))
    return kept


def _area(points: Sequence[tuple[float | None, float | None]], axis: _Axis, low: float, high: float) -> str:
    """A path of closed areas over the base line; a missing value ends one area."""
    parts: list[str] = []
    run: list[tuple[float, float]] = []
    for time, value in [*points, (None, None)]:
        if time is not None and value is not None:
            x = axis.percent(time) * _PATH_WIDTH / 100
            run.append((round(x, 1), round(_PATH_HEIGHT * (high - value) / (high - low), 1)))
        elif run:
            line = "L".join(f"{x:g},{y:g}" for x, y in run)
            parts.append(f"M{run[0][0]:g},{_PATH_HEIGHT}L{line}L{run[-1][0]:g},{_PATH_HEIGHT}Z")
            run = []
    return "".join(parts)


def _raw_path(times: Sequence[float], axis: _Axis) -> str:
    """One short upright stroke for every thousandth of the width that has an event."""
    places = sorted({round(axis.percent(t) * _PATH_WIDTH / 100) for t in times})
    return "".join(f"M{x},30V70" for x in places)


def nice_step(span: float, about: int) -> float:
    """A step of 1, 2, 2.5 or 5 times a power of ten that cuts `span` into at most `about` + 1 pieces."""
    if span <= 0:
        return 1.0
    power = 10.0 ** math.floor(math.log10(span / about))
    return next((m * power for m in (1, 2, 2.5, 5, 10) if span / (m * power) <= about), 10 * power)


def _time_ticks(axis: _Axis) -> list[tuple[float, str, bool]]:
    """(percent, text, wide only): every second one is dropped on narrow screens."""
    step = nice_step(axis.high - axis.low, 10)
    first = math.ceil(axis.low / step)
    marks = [(first + i) * step for i in range(12) if (first + i) * step <= axis.high * (1 + 1e-12)]
    return [(axis.percent(mark), number(round(mark, 9)), i % 2 == 1) for i, mark in enumerate(marks)]


def _listed(events: Sequence[_Event]) -> list[Listed]:
    onsets = [event for event in events if event[1]][:MAX_LISTED]
    others = [event for event in events if not event[1]][: MAX_LISTED - len(onsets)]
    rows = sorted(onsets + others, key=lambda event: event[0])
    return [Listed(clock(time), onset, name, detail) for time, onset, name, detail in rows]


def _description(
    bands: Mapping[str, Sequence[_Interval]], events: Sequence[_Event], onsets: Sequence[_Event], asked: bool
) -> str:
    """The picture in words, for those who do not see it; `asked`: whether events were looked for at all."""
    said = []
    for name, intervals in bands.items():
        spans = [f"{clock(a)}–{clock(b)} s{f' ({clip(label, 80)})' if label else ''}" for a, b, label in intervals]
        if spans:
            more = f" and {len(spans) - 4} more" if len(spans) > 4 else ""
            said.append(f"{name.capitalize()}: {', '.join(spans[:4])}{more}.")
    if not events:
        return " ".join([*said, "No alerts."] if asked else said)
    where = ", ".join(clock(event[0]) for event in onsets[:8]) + (" and later" if len(onsets) > 8 else "")
    noun = "alert" if len(events) == 1 else "alerts"
    tail = f" at {where} s" if onsets else ""
    said.append(f"{len(events):,} {noun}, {len(onsets):,} of them onset{'' if len(onsets) == 1 else 's'}{tail}.")
    return " ".join(said)


def _notes(evidence: Mapping[str, Any], bands: Mapping[str, Sequence[_Interval]], onsets: Sequence[_Event]) -> list[str]:
    counts = [
        (len(_list(evidence.get("series"))), MAX_PANELS, "series"),
        (max((len(found) for found in bands.values()), default=0), MAX_BANDS, "intervals"),
        (len(onsets), MAX_ONSETS, "onsets"),
    ]
    return [f"Drawn: the first {limit} of {count:,} {name}." for count, limit, name in counts if count > limit]
