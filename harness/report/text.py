"""Text of unknown origin made fit to show: hidden characters visible, long strings clipped, values as words.

Whatever a candidate wrote (messages, names, commit subjects) passes through here before a page, a terminal
or a Markdown file sees it. Escaping for the medium itself is the business of `page` and of `markdown`.
"""

from __future__ import annotations

import json
import math
import re
import unicodedata
from collections.abc import Mapping, Sequence
from functools import lru_cache

# Cc controls, Cf bidi and zero-width, Cs lone surrogates, Co private use, Cn unassigned, Zl/Zp line breaks.
_HIDDEN = frozenset({"Cc", "Cf", "Cs", "Co", "Cn", "Zl", "Zp"})
_UNITS = {"ms": "ms", "s": "s", "usd": "USD", "bytes": "bytes", "pct": "%", "per_s": "per s"}

MAX_DEPTH = 10
MAX_ITEMS = 60
MAX_STRING = 400


def visible(text: str) -> str:
    """`text` with whatever hides, reorders or breaks text written like ⟨U+202E⟩; newline and tab stay."""
    if text.isascii() and text.isprintable():
        return text
    return "".join(_visible_char(char) for char in text.replace("\r\n", "\n"))


@lru_cache(maxsize=4096)
def _visible_char(char: str) -> str:
    if char in "\n\t" or unicodedata.category(char) not in _HIDDEN:
        return char
    return f"⟨U+{ord(char):04X}⟩"


def clip(text: str, limit: int) -> str:
    """At most `limit` characters of `text`; what was cut is stated together with the full length."""
    if len(text) <= limit:
        return text
    return f"{text[:limit]}… [first {limit:,} of {len(text):,} characters]"


def one_line(text: str, limit: int) -> str:
    """`text` on one line, hidden characters visible, at most `limit` characters of it."""
    return visible(" ".join(clip(text, limit).split()))


def as_text(value: object) -> str:
    """Any value of a result as a reader expects it: '' for None, numbers grouped, the rest as JSON."""
    match value:
        case None:
            return ""
        case str():
            return value
        case bool():
            return "yes" if value else "no"
        case int() | float():
            return number(value)
        case _:
            return json.dumps(_pruned(value, MAX_DEPTH), ensure_ascii=False)


def number(value: float) -> str:
    """A number for reading: integers grouped from 10,000 on, others to 4 significant digits."""
    if isinstance(value, int):
        return f"{value:,}" if abs(value) >= 10_000 else str(value)
    if not math.isfinite(value):
        return str(value)
    if abs(value) >= 1000:
        return f"{value:,.0f}"
    return f"{value:.4g}"


def share(value: object, digits: int = 2) -> str:
    """A credit or a score with a fixed number of decimals, or an en dash where there is none."""
    if isinstance(value, bool) or not isinstance(value, int | float) or not math.isfinite(value):
        return "–"
    return f"{value:.{digits}f}"


def duration(seconds: object) -> str:
    """Seconds as '0.4 s', '12 s', '3 min 05 s' or '2 h 04 min'; '' where `seconds` is no number."""
    if isinstance(seconds, bool) or not isinstance(seconds, int | float) or not math.isfinite(seconds):
        return ""
    if seconds < 10:
        return f"{seconds:.1f} s"
    whole = round(seconds)
    if whole < 60:
        return f"{whole} s"
    if whole < 3600:
        return f"{whole // 60} min {whole % 60:02d} s"
    return f"{whole // 3600} h {whole % 3600 // 60:02d} min"


def label(key: str) -> str:
    """A key of a result as words: `input_tokens` is 'input tokens', `lease_ms` is 'lease (ms)'."""
    words = key.split("_")
    for count in (2, 1):
        unit = _UNITS.get("_".join(words[-count:]))
        if unit and len(words) > count:
            return f"{' '.join(words[:-count])} ({unit})"
    return " ".join(words)


def pretty_json(value: object) -> str:
    """`value` as indented JSON; over-long strings, lists and depths are cut inside and say so."""
    text = json.dumps(_pruned(value, MAX_DEPTH), ensure_ascii=False, indent=2)
    # Short lists of scalars read better on one line than one element a line.
    return re.sub(r"\[\n\s+([^\[\]{}\n]{1,40}(?:,\n\s+[^\[\]{}\n]{1,40}){0,7})\n\s+\]", _on_one_line, text)


def _on_one_line(found: re.Match[str]) -> str:
    return "[" + re.sub(r",\n\s+", ", ", found.group(1)) + "]"


def _pruned(value: object, depth: int) -> object:
    """A copy of `value` that is small enough to print: never recurses deeper than `depth`."""
    match value:
        case str():
            return clip(value, MAX_STRING)
        case None | bool() | int() | float():
            return value
        case Mapping() | Sequence() if depth == 0:
            return "… [nested deeper than is shown]"
        case Mapping():
            kept = {clip(str(k), MAX_STRING): _pruned(v, depth - 1) for k, v in list(value.items())[:MAX_ITEMS]}
            return kept | _rest(len(value))
        case Sequence():
            more = [f"… [first {MAX_ITEMS} of {len(value):,} items]"] if len(value) > MAX_ITEMS else []
            return [_pruned(item, depth - 1) for item in value[:MAX_ITEMS]] + more
        case _:
            return clip(str(value), MAX_STRING)


def _rest(size: int) -> dict[str, str]:
    return {"…": f"[first {MAX_ITEMS} of {size:,} entries]"} if size > MAX_ITEMS else {}
