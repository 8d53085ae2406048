"""Where each key of a TOML text stands, so that an error can name the line.

And limits on what is worth parsing.
"""

from __future__ import annotations

import re
import tomllib
from collections.abc import Iterator, Mapping

from harness.errors import UsageError

MAX_BYTES = 64 * 1024
MAX_LINE = 4096
MAX_DEPTH = 16

_TOKEN = re.compile(
    r'(?P<text>"""(?:[^\\]|\\.)*?"{3,5}|\'\'\'.*?\'{3,5}|"(?:[^"\\\n]|\\.)*"|\'[^\'\n]*\')'
    r"|(?P<comment>#[^\n]*)|(?P<newline>\n)|(?P<mark>[\[\]{}=])|(?P<bare>[A-Za-z0-9_-]+)|(?P<other>[^\n])",
    re.DOTALL,
)

KeyPath = tuple[str, ...]


def parse(text: str, where: str) -> dict[str, object]:
    """The tables of `text`.

    Raises UsageError naming `where` and the line, also for a text made to exhaust the parser.
    """
    for number, line in enumerate(text.split("\n"), 1):
        # A dotted key of thousands of parts costs the parser quadratic time.
        if len(line) > MAX_LINE:
            raise UsageError(f"{where}:{number}: expected lines of at most {MAX_LINE} characters, got {len(line)}")
    try:
        tables = tomllib.loads(text)
    except (ValueError, RecursionError) as error:
        raise UsageError(_syntax_sentence(error, text, where)) from None
    if _depth(tables) > MAX_DEPTH:
        raise UsageError(f"{where}: expected tables and lists nested at most {MAX_DEPTH} deep; flatten them")
    return tables


def _syntax_sentence(error: Exception, text: str, where: str) -> str:
    if isinstance(error, RecursionError):
        return f"{where}: expected tables and lists nested at most {MAX_DEPTH} deep; flatten them"
    what, _, place = str(error).rpartition(" (at ")
    found = re.match(r"line (\d+), column (\d+)", place)
    line = int(found[1]) if found else text.rstrip("\n").count("\n") + 1
    what = what or str(error)
    return f"{where}:{line}: is not valid TOML: {what[:1].lower()}{what[1:]}"


def _depth(tables: Mapping[str, object]) -> int:
    """How deep tables and lists nest; by levels, since the text may have been made to exhaust a recursion."""
    level: list[object] = [tables]
    depth = 0
    while level and depth <= MAX_DEPTH:
        depth += 1
        inner: list[object] = []
        for value in level:
            children = value.values() if isinstance(value, dict) else value if isinstance(value, list) else ()
            inner.extend(child for child in children if isinstance(child, dict | list))
        level = inner
    return depth


def key_lines(text: str) -> dict[KeyPath, int]:
    """Line (from 1) of every table header and every key that starts a line, by its full path.

    `text` is valid TOML.
    """
    lines: dict[KeyPath, int] = {}
    prefix: KeyPath = ()
    for line, is_header, parts in _statements(text):
        if is_header:
            prefix = parts
        path = parts if is_header else prefix + parts
        for length in range(1, len(path) + 1):
            lines.setdefault(path[:length], line)
    return lines


def line_of(lines: Mapping[KeyPath, int], path: KeyPath) -> int | None:
    """The line of `path`, or of the nearest table around it; None if not even its first key is there."""
    for length in range(len(path), 0, -1):
        if path[:length] in lines:
            return lines[path[:length]]
    return None


def _statements(text: str) -> Iterator[tuple[int, bool, KeyPath]]:
    """Each table header or `key = ...` as (line, is a header, parts of the key)."""
    line, start, depth = 1, 1, 0
    state = "start"
    parts: list[str] = []
    for token in _TOKEN.finditer(text):
        kind, word = token.lastgroup, token.group()
        if (state == "start" and kind in {"text", "bare"}) or (state == "start" and word == "["):
            state, parts, start = ("header" if word == "[" else "key"), [], line
        if state in {"key", "header"} and kind in {"text", "bare"}:
            parts.append(_unquote(word))
        elif state == "key" and word == "=":
            yield start, False, tuple(parts)
            state, depth = "value", 0
        elif state == "value" and kind == "mark":
            depth += (word in "[{") - (word in "]}")
        elif kind == "newline" and (state != "value" or depth == 0):
            if state == "header":
                yield start, True, tuple(parts)
            state = "start"
        line += word.count("\n")
    if state == "header":
        yield start, True, tuple(parts)


def _unquote(word: str) -> str:
    if word[:1] not in {'"', "'"}:
        return word
    return str(tomllib.loads(f"key = {word}")["key"])
