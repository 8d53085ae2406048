"""Short texts set side by side without touching: how wide they are, and which row has room for one."""

from __future__ import annotations

import math
import unicodedata
from bisect import bisect_left, bisect_right
from dataclasses import dataclass, field

from harness.report.text import visible

_NARROW = frozenset("iljtfr.,:;'|!()[] I")
_BROAD = frozenset("mwMW@%—…⟨⟩")
APART_PX = 7


def text_px(text: str, *, bold: bool = False) -> float:
    """About how wide a text of 11 px is in any sans serif, rather too much than too little."""
    return sum(map(_char_px, text)) * (1.14 if bold else 1.0)


def _char_px(char: str) -> float:
    if char in _NARROW:
        return 4.2
    if char in _BROAD or char.isupper():
        return 8.8
    if char.isascii():
        return 6.9
    return 0.0 if unicodedata.combining(char) else 12.0 if unicodedata.east_asian_width(char) in "WF" else 8.8


def brief(text: str, limit: int) -> str:
    """`text` on one line, hidden characters visible, at most `limit` characters as they are shown."""
    shown = visible(" ".join(text[: 2 * limit].split()))
    return shown if len(shown) <= limit and len(text) <= 2 * limit else shown[: limit - 1] + "…"


@dataclass(slots=True)
class Tiers:
    """Rows of labels over a line within [left_px, right_px]; a label is tied to its place by a leader through the rows below it.

    `waiting` are the places of all that is to have a label: of several places for one label, that is taken which is low and covers
    few of those that still wait.
    """

    count: int
    left_px: float
    right_px: float
    blocked: list[tuple[float, float]] = field(default_factory=list)
    waiting: list[float] = field(default_factory=list)
    _labels: list[list[tuple[float, float]]] = field(default_factory=list)
    _leaders: list[list[float]] = field(default_factory=list)

    def __post_init__(self) -> None:
        self.waiting = sorted(self.waiting)
        self._labels = [[] for _ in range(self.count)]
        self._leaders = [[] for _ in range(self.count)]

    def place(self, x: float, width_px: float) -> tuple[int, float] | None:
        """(tier, left edge) for a label of the thing at `x`, which lies over it; None if there is no room."""
        at = bisect_left(self.waiting, x)
        if at < len(self.waiting) and self.waiting[at] == x:
            del self.waiting[at]
        # It begins at `x`, ends there, or lies somewhere between.
        starts = [x - 5 - share * (width_px - 10) for share in (0.0, 1.0, 0.5, 0.25, 0.75)] + [self._squeezed(x, width_px)]
        best = (math.inf, 0, 0.0)
        for tier in range(self.count):
            if best[0] <= tier or (tier and not self._leads(tier - 1, x)):
                break
            for order, left in enumerate(starts):
                if self._free(tier, left, left + width_px):
                    best = min(best, (self._cost(tier, left, left + width_px) + 0.1 * order, tier, left))
        cost, tier, left = best
        if cost == math.inf:
            return None
        self._labels[tier].append((left, left + width_px))
        for row in range(tier):
            self._leaders[row].append(x)
        return tier, round(left, 2)

    def _squeezed(self, x: float, width_px: float) -> float:
        """The left edge nearest to the middle over `x` between what is blocked to both sides of it."""
        low = max([self.left_px, *(stop for _, stop in self.blocked if stop <= x)])
        high = min([self.right_px, *(start for start, _ in self.blocked if start >= x)])
        return max(min(x - width_px / 2, high - width_px), low)

    def _cost(self, tier: int, left: float, right: float) -> float:
        covered = bisect_right(self.waiting, right + 2) - bisect_left(self.waiting, left - 2)
        return tier + 3 * covered / (tier + 1)

    def _leads(self, tier: int, x: float) -> bool:
        """Whether a leader can go up through that tier."""
        return not any(left - 2 <= x <= right + 2 for left, right in self._labels[tier])

    def _free(self, tier: int, left: float, right: float) -> bool:
        return (
            self.left_px <= left
            and right <= self.right_px
            and not any(left < stop and start < right for start, stop in self.blocked)
            and not any(left - 2 <= x <= right + 2 for x in self._leaders[tier])
            and not any(left < stop + APART_PX and start < right + APART_PX for start, stop in self._labels[tier])
        )

    @property
    def used(self) -> int:
        """How many tiers have a label."""
        return max((row + 1 for row, labels in enumerate(self._labels) if labels), default=0)


@dataclass(slots=True)
class Rows:
    """Bars in rows, each in the first that is free at its place; the last one takes what fits nowhere."""

    count: int
    _taken: list[list[tuple[float, float]]] = field(default_factory=list)

    def place(self, left: float, right: float) -> tuple[int, bool]:
        """(row, whether it is free there)."""
        for row in range(self.count):
            if row == len(self._taken):
                self._taken.append([])
            if not any(left < stop and start < right for start, stop in self._taken[row]):
                self._taken[row].append((left, right))
                return row, True
        return self.count - 1, False

    @property
    def used(self) -> int:
        """How many rows have a bar."""
        return len(self._taken)
