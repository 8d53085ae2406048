"""A time axis in px that leaves out long stretches in which nothing happens, and shows where it does.

All that is drawn has one scale; a break takes a fixed width, whatever it leaves out.
"""

from __future__ import annotations

import math
from bisect import bisect_left
from collections.abc import Iterable, Sequence
from dataclasses import dataclass
from itertools import pairwise

from harness.report.packing import text_px
from harness.report.timeline import nice_step

# A stretch without an edge is left out from this share of what is drawn on and this width, if all such stretches together
# free half of the width, and only while neighbours lie closer than `CRAMPED_PX`: a break has to buy room, and costs some.
IDLE_SHARE = 0.15
IDLE_PX = 180
WORTH_SHARE = 0.5
CRAMPED_PX = 40
MAX_BREAKS = 6

BREAK_PX = 22
PAD_PX = 16
LEAST_PX = 84
TICK_PX = 76
_LEAST_SPAN = 1e-9


@dataclass(frozen=True, slots=True)
class Segment:
    """An unbroken stretch: `low` is drawn at `low_px`, and [left_px, right_px] is what it has of the width."""

    low: float
    high: float
    low_px: float
    left_px: float
    right_px: float


@dataclass(frozen=True, slots=True)
class Break:
    """Where the axis is broken, in px, and how much of the time is left out there."""

    left_px: float
    right_px: float
    skipped: float


@dataclass(frozen=True, slots=True)
class Axis:
    """`scale` is px per unit of time, the same in every segment."""

    segments: list[Segment]
    breaks: list[Break]
    scale: float

    def x(self, time: float) -> float:
        """The place of a moment, in px; one that is left out lies at the edge of its break."""
        at = min(bisect_left(self.segments, time, key=lambda segment: segment.high), len(self.segments) - 1)
        segment = self.segments[at]
        inside = min(max(time, segment.low), segment.high)
        return round(segment.low_px + (inside - segment.low) * self.scale, 2)

    def ticks(self) -> list[tuple[float, str]]:
        """(px, text) of round moments; of the start of a segment that has none."""
        found: list[tuple[float, str]] = []
        free_px = -math.inf
        for segment in self.segments:
            for time, text in _round_times(segment, self.scale) or [(segment.low, exact(segment.low))]:
                x, half_px = self.x(time), text_px(text) / 2
                if x - half_px >= free_px:
                    found.append((x, text))
                    free_px = x + half_px + 8
        return found


def exact(time: float) -> str:
    """A moment to the thousandth, without trailing zeros."""
    return f"{time:,.3f}".rstrip("0").rstrip(".")


def build(times: Iterable[float], width_px: float) -> Axis:
    """The axis on which every one of `times` has a place, within [0, width_px]."""
    edges = sorted(set(times)) or [0.0]
    stretches = _stretches(edges, width_px)
    room_px = width_px - BREAK_PX * (len(stretches) - 1)
    scale = _scale([high - low for low, high in stretches], room_px)
    widths = [max(LEAST_PX, 2 * PAD_PX + scale * (high - low)) for low, high in stretches]
    spare_px = max(0.0, room_px - sum(widths)) / len(widths)
    segments: list[Segment] = []
    left_px = 0.0
    for (low, high), width in zip(stretches, widths, strict=True):
        right_px = left_px + width + spare_px
        low_px = left_px + (right_px - left_px - scale * (high - low)) / 2
        segments.append(Segment(low, high, low_px, left_px, right_px))
        left_px = right_px + BREAK_PX
    breaks = [Break(a.right_px, b.left_px, b.low - a.high) for a, b in pairwise(segments)]
    return Axis(segments, breaks, scale)


def _stretches(edges: Sequence[float], width_px: float) -> list[tuple[float, float]]:
    """(low, high) of what is drawn."""
    gaps = [b - a for a, b in pairwise(edges)]
    cut: set[int] = set()
    while len(cut) < MAX_BREAKS:
        kept = {at: gap for at, gap in enumerate(gaps) if at not in cut}
        drawn = sum(kept.values())
        if not kept or min(kept.values()) * width_px >= CRAMPED_PX * drawn:
            break
        room_px = width_px - len(cut) * (BREAK_PX + 2 * PAD_PX)
        least = drawn * max(IDLE_SHARE, IDLE_PX / room_px)
        idle = [at for at in sorted(kept, key=lambda at: -kept[at]) if kept[at] > least]
        idle = idle[: MAX_BREAKS - len(cut)]
        if sum(kept[at] for at in idle) < WORTH_SHARE * drawn:
            break
        cut.update(idle)
    starts = [0, *(at + 1 for at in sorted(cut))]
    ends = [*sorted(cut), len(edges) - 1]
    return [(edges[start], edges[end]) for start, end in zip(starts, ends, strict=True)]


def _scale(spans: Sequence[float], room_px: float) -> float:
    """px per unit at which all stretches, none under its least width, fill the room; 0 where there are only moments."""
    total = sum(spans)
    if total <= _LEAST_SPAN:
        return 0.0
    low, high = 0.0, room_px / total
    for _ in range(60):
        middle = (low + high) / 2
        filled = sum(max(LEAST_PX, 2 * PAD_PX + middle * span) for span in spans)
        low, high = (middle, high) if filled <= room_px else (low, middle)
    return low


def _round_times(segment: Segment, scale: float) -> list[tuple[float, str]]:
    if scale <= 0:
        return []
    step = nice_step(TICK_PX / scale, 1)
    digits = max(0, 1 - math.floor(math.log10(step)))
    first = math.ceil(segment.low / step - 1e-9)
    count = math.floor(segment.high / step + 1e-9) - first + 1
    times = [(first + i) * step for i in range(min(count, 40))]
    return [(time, _trimmed(f"{time + 0.0:,.{digits}f}")) for time in times]


def _trimmed(text: str) -> str:
    return text.rstrip("0").rstrip(".") if "." in text else text
