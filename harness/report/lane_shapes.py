"""What lanes are drawn with: glyphs that differ in shape as well as in colour, tones, and the small shapes of a picture, in px."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass

from harness.report.broken_axis import exact
from harness.report.lane_input import Link, Mark, Span
from harness.report.packing import brief
from harness.report.text import clip

NAMES_PX = 92
PLOT_PX = 788
BAR_PX = 9
TIP_CHARS = 160


@dataclass(frozen=True, slots=True)
class Glyph:
    """A mark of its own outline around (0, 0); `tone` is its CSS class, `word` stands for it in the legend."""

    path: str
    tone: str
    word: str


_CIRCLE = "M-5.5,0A5.5,5.5 0 1 1 5.5,0A5.5,5.5 0 1 1 -5.5,0Z"
GLYPHS: Mapping[str, Glyph] = {
    "offer": Glyph("M-4.5,-5.5L5.5,0L-4.5,5.5Z", "ask hollow", "offer"),
    "reply": Glyph("M4.5,-5.5L-5.5,0L4.5,5.5Z", "ask hollow", "reply"),
    "refusal": Glyph("M-5,-5H5V5H-5ZM-5,5L5,-5", "doubt hollow", "refusal"),
    "silence": Glyph(_CIRCLE + "M-2,-1.5A2,2 0 1 1 0,1V1.6M0,3V3.4", "doubt hollow", "no reply"),
    "emit": Glyph("M0,-7.5L7.5,0L0,7.5L-7.5,0Z", "page full", "emission"),
    "torn": Glyph("M-1,-7.5L-7.5,0L-1,7.5L1.5,3L-1.5,0L1.5,-3Z", "page hollow", "torn emission, does not count"),
    "kill": Glyph("M-6,-6L6,6M-6,6L6,-6", "bad thick", "kill"),
    "pause": Glyph("M-5,-6H-1.5V6H-5ZM1.5,-6H5V6H1.5Z", "doubt full", "pause"),
    "resume": Glyph("M-6,-6H-3.5V6H-6ZM-1.5,-6L6.5,0L-1.5,6Z", "doubt full", "resumed"),
    "fault": Glyph("M0,-7L7.5,5.5H-7.5ZM0,-2.5V1.5M0,3.2V3.6", "warn hollow", "fault"),
    "clock": Glyph(_CIRCLE + "M0,-3.5V0H2.8", "warn hollow", "clock moved"),
    "up": Glyph("M0,-6.5L6,1H2V6H-2V1H-6Z", "good full", "up again"),
    "down": Glyph("M0,6.5L6,-1H2V-6H-2V-1H-6Z", "bad full", "down"),
    "note": Glyph("M-3,0A3,3 0 1 1 3,0A3,3 0 1 1 -3,0Z", "idle full", "other"),
}
# Spans on the line of their lane; those under it, with their text on them; and of the latter those that fill the lane.
BARS: dict[str, str] = {"work": "offer under way", "trip": "round trip, as the other side has it"}
RIBBONS: dict[str, str] = {"paused": "paused", "down": "down", "clock": "clock offset", "window": "window"}
_DONE_TO = frozenset({"kill", "pause", "resume", "fault", "clock"})
_WENT_OUT = frozenset({"emit", "torn", "up", "down", "silence", "refusal"})
FILLING = frozenset({"paused", "down"})
LINKS: dict[str, str] = {"ask": "request", "answer": "answer"}


@dataclass(frozen=True, slots=True)
class Text:
    """A label at (`x`, `y`), centred on `x` where `middle`."""

    x: float
    y: float
    text: str
    strong: bool = False
    middle: bool = False


@dataclass(frozen=True, slots=True)
class GlyphView:
    """One mark; `tip` is what a reader is told of it."""

    x: float
    y: float
    glyph: Glyph
    strong: bool
    tip: str


@dataclass(frozen=True, slots=True)
class Box:
    """A rectangle with a tone; `hatch` is a path that fills it for those who do not see its colour."""

    x: float
    y: float
    width: float
    height: float
    tone: str
    tip: str = ""
    strong: bool = False
    hatch: str = ""


@dataclass(frozen=True, slots=True)
class LaneView:
    """One lane from `top` on, its line at `base`."""

    name: str
    note: str
    tip: str
    top: float
    base: float
    height: float


def weight(item: Mark | Span) -> tuple[bool, int]:
    """What counts more where there is no room for all: what it is about, what was done to a process, then what went out."""
    kind = item.glyph if isinstance(item, Mark) else "work"
    return item.strong, 2 if kind in _DONE_TO else 1 if kind in _WENT_OUT else 0


def glyph_of(mark: Mark) -> Glyph:
    """Its glyph; a small circle for a kind that has none."""
    return GLYPHS.get(mark.glyph, GLYPHS["note"])


def tone_of(item: Mark | Span) -> str:
    """A span's tone, `work` where it is none that is known; '' for a mark."""
    if isinstance(item, Mark):
        return ""
    return item.tone if item.tone in RIBBONS or item.tone in BARS else "work"


def link_tone(link: Link) -> str:
    """A link's tone, `ask` where it is none that is known."""
    return link.tone if link.tone in LINKS else "ask"


def when(item: Mark | Span | Link) -> str:
    """Its moment, or from when to when."""
    return exact(item.at) if item.at == item.end else f"{exact(item.at)}–{exact(item.end)}"


def tip(item: Mark | Span | Link, unit: str) -> str:
    """What a reader is told who points at it."""
    detail = "" if isinstance(item, Link) else item.detail
    said = ": ".join(part for part in ((item.label or word(item))[:TIP_CHARS], detail[:TIP_CHARS]) if part)
    return f"{when(item)} {clip(unit, 20)}  {brief(said, TIP_CHARS)}"


def word(item: Mark | Span | Link) -> str:
    """What its kind is called."""
    match item:
        case Mark():
            return glyph_of(item).word
        case Span():
            return (BARS | RIBBONS)[tone_of(item)]
        case Link():
            return LINKS[link_tone(item)]
