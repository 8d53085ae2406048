"""One lane of a picture: what is on its line, the labels over it, and the ribbons under it; draws nothing."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass, field

from harness.report.broken_axis import Axis
from harness.report.lane_input import Mark, Picture, Span
from harness.report.lane_shapes import (
    BAR_PX,
    BARS,
    FILLING,
    NAMES_PX,
    PLOT_PX,
    RIBBONS,
    TIP_CHARS,
    Box,
    GlyphView,
    LaneView,
    Text,
    glyph_of,
    tip,
    tone_of,
    weight,
    word,
)
from harness.report.packing import Rows, Tiers, brief, text_px

TIER_PX = 14
MAX_TIERS = 4
RIBBON_PX = 15
LABEL_CHARS = 30

_HATCH_PX = 9


@dataclass(slots=True)
class OneLane:
    """One lane in the making: from `top` on, higher the more labels and ribbons it has."""

    lane: int
    picture: Picture
    axis: Axis
    top: float
    base: float = 0.0
    height: float = 0.0
    numbered: list[tuple[Mark | Span, int]] = field(default_factory=list)
    unnamed: list[int] = field(default_factory=list)
    fills: list[Box] = field(default_factory=list)
    boxes: list[Box] = field(default_factory=list)
    glyphs: list[GlyphView] = field(default_factory=list)
    texts: list[Text] = field(default_factory=list)
    leaders: str = ""

    def __post_init__(self) -> None:
        marks = [mark for mark in self.picture.marks if mark.lane == self.lane]
        spans = [span for span in self.picture.spans if span.lane == self.lane]
        items: list[Mark | Span] = sorted((*marks, *spans), key=lambda item: (item.at, item.end))
        self.numbered = [(item, number) for number, item in enumerate(items, 1)]
        placed, tiers = self._labelled()
        self.base = self.top + 12 + max(1, tiers) * TIER_PX
        self._draw_labels(placed)
        below = self.base + 13 + (11 if self.unnamed else 0)
        self._draw_numbers()
        below = max(below, self._draw_bars([span for span in spans if tone_of(span) in BARS]) + 7)
        ribbons = sorted(
            (span for span in spans if tone_of(span) in RIBBONS), key=lambda span: list(RIBBONS).index(tone_of(span))
        )
        self.height = self._draw_ribbons(ribbons, below) + 5 - self.top
        self._fill(ribbons)
        for mark in sorted(marks, key=weight):
            told = tip(mark, self.picture.unit)
            self.glyphs.append(GlyphView(self.axis.x(mark.at), self.base, glyph_of(mark), mark.strong, told))

    @property
    def view(self) -> LaneView:
        """The lane itself."""
        name, note = self.picture.lanes[self.lane]
        told = brief(": ".join(part for part in (name, note) if part), TIP_CHARS)
        return LaneView(_fitting(name, NAMES_PX - 16), _fitting(note, NAMES_PX - 8), told, self.top, self.base, self.height)

    def _labelled(self) -> tuple[list[tuple[Mark | Span, int, float, str]], int]:
        """(item, tier, left, label) of what can be labelled, and how many tiers that takes; the rest goes to `unnamed`."""
        # What matters first; then from right to left, so that a label goes over those of what is later and crosses no leader.
        waiting = sorted(
            ((item, number) for item, number in self.numbered if item.label and tone_of(item) not in RIBBONS),
            key=lambda one: (*weight(one[0]), one[1]),
            reverse=True,
        )
        blocked = [(one.left_px - 2, one.right_px + 2) for one in self.axis.breaks]
        places = [self.axis.x(item.at) for item, _ in waiting]
        tiers = Tiers(MAX_TIERS, 2, PLOT_PX - 2, blocked, list(places))
        placed = []
        for (item, number), x in zip(waiting, places, strict=True):
            label = brief(item.label, LABEL_CHARS)
            found = tiers.place(x, text_px(label, bold=item.strong))
            if found is None:
                self.unnamed.append(number)
            else:
                placed.append((item, *found, label))
        self.unnamed.sort()
        return placed, tiers.used

    def _draw_labels(self, placed: Sequence[tuple[Mark | Span, int, float, str]]) -> None:
        for item, tier, left, label in placed:
            y = self.base - 11 - tier * TIER_PX
            self.texts.append(Text(left, y, label, item.strong))
            if tier:
                self.leaders += f"M{self.axis.x(item.at):g},{self.base - 8:g}V{y + 2:g}"

    def _draw_numbers(self) -> None:
        """The numbers of what has no label; numbers that would touch become one, 'from–to'."""
        places = {number: self.axis.x(item.at) for item, number in self.numbered}
        groups: list[tuple[int, int, float, float]] = []
        for number in self.unnamed:
            first, left, right = number, places[number], places[number]
            while (
                groups
                and groups[-1][3] + _numbers_px(groups[-1][0], groups[-1][1]) / 2 + 6 > left - _numbers_px(first, number) / 2
            ):
                first, _, left, _ = groups.pop()
                left = right = (left + right) / 2
            groups.append((first, number, left, right))
        for first, last, left, right in groups:
            text = _numbers(first, last)
            half = text_px(text) / 2
            self.texts.append(Text(min(max((left + right) / 2, half), PLOT_PX - half), self.base + 19, text, middle=True))

    def _draw_bars(self, spans: Sequence[Span]) -> float:
        rows = Rows(3)
        for span in spans:
            left, right = self._place(span)
            # By its true length: short ones that follow each other are drawn longer than they are, and stay in one row.
            row, _ = rows.place(left, self.axis.x(span.end))
            y = self.base - BAR_PX / 2 + row * (BAR_PX + 1)
            told = tip(span, self.picture.unit)
            self.boxes.append(Box(left, y, round(right - left, 2), BAR_PX, tone_of(span), told, span.strong))
        return self.base + BAR_PX / 2 + max(0, rows.used - 1) * (BAR_PX + 1)

    def _draw_ribbons(self, spans: Sequence[Span], top: float) -> float:
        rows = Rows(3)
        for span in spans:
            left, right = self._place(span)
            label = brief(span.label or word(span), LABEL_CHARS)
            at, end = self._ribbon_text(left, right, text_px(label))
            row, free = rows.place(min(left, at) - 2, max(right, end) + 4)
            y = top + row * RIBBON_PX
            box = Box(left, y, round(right - left, 2), RIBBON_PX - 3, tone_of(span), tip(span, self.picture.unit), span.strong)
            self.boxes.append(box)
            if free:
                self.texts.append(Text(at, y + 10, label, span.strong))
        return top + rows.used * RIBBON_PX

    def _ribbon_text(self, left: float, right: float, width: float) -> tuple[float, float]:
        """Where the text of a ribbon lies: on it, clear of breaks, or else beside it."""
        at = left + 5
        for one in self.axis.breaks:
            if one.left_px < at + width and at < one.right_px + 4:
                at = one.right_px + 5
        if at + width <= right:
            return round(at, 2), at + width
        beside = right + 5
        if beside + width > PLOT_PX or any(one.left_px < beside + width and beside < one.right_px for one in self.axis.breaks):
            beside = left - 5 - width
        if beside < 0:
            beside = min(left + 5, PLOT_PX - width)
        return round(beside, 2), beside + width

    def _place(self, span: Span) -> tuple[float, float]:
        """From where to where, in px, and wide enough to be seen."""
        left, right = self.axis.x(span.at), self.axis.x(span.end)
        return left, max(right, left + 2)

    def _fill(self, spans: Sequence[Span]) -> None:
        for span in spans:
            if tone_of(span) in FILLING:
                left, right = self._place(span)
                hatch = _hatch(left, self.top + 1, right, self.top + self.height - 1, slanted=tone_of(span) == "down")
                self.fills.append(Box(left, self.top + 1, round(right - left, 2), self.height - 2, tone_of(span), hatch=hatch))


def _fitting(text: str, width: float) -> str:
    shown = brief(text, 40)
    while shown and text_px(shown, bold=True) > width:
        shown = shown.removesuffix("…")[:-1] + "…" if len(shown) > 2 else ""
    return shown


def _numbers(first: int, last: int) -> str:
    return str(first) if first == last else f"{first}–{last}"


def _numbers_px(first: int, last: int) -> float:
    return text_px(_numbers(first, last))


def _hatch(left: float, top: float, right: float, bottom: float, *, slanted: bool) -> str:
    """Strokes over a rectangle: slanted, or upright ones."""
    lean = bottom - top if slanted else 0.0
    strokes = []
    at = left - lean + _HATCH_PX / 2
    while at < right:
        start, end = max(at, left), min(at + lean, right)
        if slanted:
            strokes.append(f"M{start:.1f},{bottom - (start - at):.1f}L{end:.1f},{bottom - (end - at):.1f}")
        else:
            strokes.append(f"M{at:.1f},{top:g}V{bottom:g}")
        at += _HATCH_PX
    return "".join(strokes)
