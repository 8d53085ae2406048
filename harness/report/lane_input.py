"""Evidence of kind `lanes` as it is read: any part may be missing, odd or too much; nothing here draws.

    {"kind": "lanes", "title": "...", "unit": "ms", "caption": "...", "notes": ["..."],
     "lanes": [{"name": "p0", "note": "clock +3 s"}, {"name": "store"}],
     "marks": [{"lane": "p0", "at": 1.5, "glyph": "emit", "label": "emit a1", "detail": "...", "strong": true}],
     "spans": [{"lane": "p0", "from": 0, "to": 2, "tone": "work", "label": "", "detail": "...", "strong": false}],
     "links": [{"lane": "p0", "from": 0.2, "to_lane": "store", "to": 0.4, "tone": "ask", "label": "...", "broken": false}],
     "shaded": {"from": 0, "to": 2, "label": "..."}}

A lane is named by its `name`. `strong` is what the evidence is about. Glyphs and tones are those of `lanes`.
"""

from __future__ import annotations

from collections.abc import Callable, Mapping, Sequence
from dataclasses import dataclass, field
from typing import Any, TypeVar

from harness.report.timeline import finite

MAX_LANES = 12
MAX_MARKS = 300
MAX_SPANS = 160
MAX_LINKS = 240
MAX_NOTES = 8


@dataclass(frozen=True, slots=True)
class Mark:
    """A moment on a lane (its number)."""

    lane: int
    at: float
    glyph: str
    label: str
    detail: str
    strong: bool

    @property
    def end(self) -> float:
        """When it is over: at once."""
        return self.at


@dataclass(frozen=True, slots=True)
class Span:
    """Something on a lane that lasts."""

    lane: int
    at: float
    end: float
    tone: str
    label: str
    detail: str
    strong: bool


@dataclass(frozen=True, slots=True)
class Link:
    """A line from a moment of one lane to a moment of another; a `broken` one did not arrive."""

    lane: int
    at: float
    to_lane: int
    end: float
    tone: str
    label: str
    broken: bool


@dataclass(frozen=True, slots=True)
class Shaded:
    """The interval in question."""

    at: float
    end: float
    label: str


@dataclass(frozen=True, slots=True)
class Picture:
    """What is to be drawn, within the limits; each list in order of time. `notes` say what was left out."""

    title: str
    unit: str
    caption: str
    lanes: list[tuple[str, str]]
    marks: list[Mark] = field(default_factory=list)
    spans: list[Span] = field(default_factory=list)
    links: list[Link] = field(default_factory=list)
    shaded: Shaded | None = None
    notes: list[str] = field(default_factory=list)


_Item = TypeVar("_Item", Mark, Span, Link)


def read(evidence: Mapping[str, Any]) -> Picture:
    """The picture that `evidence` asks for. Never raises for what is inside of it."""
    stated: dict[str, str] = {}
    for lane in _mappings(evidence.get("lanes")):
        stated.setdefault(_text(lane, "name"), _text(lane, "note"))
    lanes = list(stated.items())
    notes = [str(note) for note in _items(evidence.get("notes"))[:MAX_NOTES]]
    if len(lanes) > MAX_LANES:
        notes.append(f"Drawn: the first {MAX_LANES} of {len(lanes):,} lanes, and what is on them.")
    numbers = {name: number for number, (name, _) in enumerate(lanes[:MAX_LANES])}
    shaded = _shaded(evidence.get("shaded"))

    def taken(key: str, make: Callable[[Mapping[str, Any], Mapping[str, int]], _Item | None], limit: int) -> list[_Item]:
        raw = _mappings(evidence.get(key))
        known = [item for item in (make(one, numbers) for one in raw) if item is not None]
        kept = _nearest(known, shaded, limit)
        if len(known) < len(raw) and len(lanes) <= MAX_LANES:
            notes.append(f"Left out: {len(raw) - len(known):,} {key} that name no lane or no time.")
        if len(known) > limit:
            where = (
                ", those that matter and those nearest to the shaded interval"
                if shaded
                else ", those that matter and the first"
            )
            notes.append(f"Drawn: {limit} of {len(known):,} {key}{where}.")
        return kept

    return Picture(
        title=_text(evidence, "title") or "lanes",
        unit=_text(evidence, "unit") or "ms",
        caption=_text(evidence, "caption"),
        lanes=lanes[:MAX_LANES],
        marks=taken("marks", _mark, MAX_MARKS),
        spans=taken("spans", _span, MAX_SPANS),
        links=taken("links", _link, MAX_LINKS),
        shaded=shaded,
        notes=notes,
    )


def _nearest(items: Sequence[_Item], shaded: Shaded | None, limit: int) -> list[_Item]:
    """At most `limit`, in order of time: the strong ones before others, then the nearest to what is shaded."""

    def rank(item: _Item) -> tuple[bool, float]:
        away = item.at if shaded is None else max(shaded.at - item.end, item.at - shaded.end, 0.0)
        return (not getattr(item, "strong", False), away)

    return sorted(sorted(items, key=rank)[:limit], key=lambda item: (item.at, item.end))


def _mark(raw: Mapping[str, Any], lanes: Mapping[str, int]) -> Mark | None:
    lane, at = lanes.get(_text(raw, "lane")), finite(raw.get("at"))
    if lane is None or at is None:
        return None
    return Mark(lane, at, _text(raw, "glyph"), _text(raw, "label"), _text(raw, "detail"), raw.get("strong") is True)


def _span(raw: Mapping[str, Any], lanes: Mapping[str, int]) -> Span | None:
    lane, ends = lanes.get(_text(raw, "lane")), _ends(raw)
    if lane is None or ends is None:
        return None
    return Span(lane, *ends, _text(raw, "tone"), _text(raw, "label"), _text(raw, "detail"), raw.get("strong") is True)


def _link(raw: Mapping[str, Any], lanes: Mapping[str, int]) -> Link | None:
    lane, to_lane, ends = lanes.get(_text(raw, "lane")), lanes.get(_text(raw, "to_lane")), _ends(raw)
    if lane is None or to_lane is None or lane == to_lane or ends is None:
        return None
    return Link(lane, ends[0], to_lane, ends[1], _text(raw, "tone"), _text(raw, "label"), raw.get("broken") is True)


def _shaded(value: object) -> Shaded | None:
    ends = _ends(value) if isinstance(value, Mapping) else None
    return None if ends is None or not isinstance(value, Mapping) else Shaded(*ends, _text(value, "label"))


def _ends(raw: Mapping[str, Any]) -> tuple[float, float] | None:
    start, end = finite(raw.get("from")), finite(raw.get("to"))
    return None if start is None or end is None or end < start else (start, end)


def _text(raw: Mapping[str, Any], key: str) -> str:
    value = raw.get(key)
    return "" if value is None else str(value)


def _items(value: object) -> Sequence[Any]:
    return value if isinstance(value, Sequence) and not isinstance(value, str | bytes) else ()


def _mappings(value: object) -> list[Mapping[str, Any]]:
    return [item for item in _items(value) if isinstance(item, Mapping)]
