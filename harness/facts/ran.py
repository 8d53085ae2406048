"""From what a runtime wrote about itself to the lines of the repository that ran. The files are the candidate's word.

V8's coverage (NODE_V8_COVERAGE) counts ranges of the JavaScript that it ran; source maps lead from there to the source. Python's
comes from `tools/sitecustomize.py`. A candidate can write what it likes into either, and so claim lines that never ran: the share
that follows is no more than a statement of its own, which is why static reachability stands beside it. What is read is bounded.
"""

from __future__ import annotations

import bisect
import os
import posixpath
import re
import stat
from collections import defaultdict
from collections.abc import Collection, Iterator, Mapping, Sequence
from pathlib import Path
from urllib.parse import unquote

import msgspec

MAX_FILE_BYTES = 64 << 20
MAX_CODE_BYTES = 8 << 20
MAX_FILES = 16
_MAP_NAME = re.compile(r"//[#@] sourceMappingURL=([^\s'\"]+)\s*\Z")
_DIGITS = {char: value for value, char in enumerate("ABCDEFGHIJKLMNOPQRSTUVWXYZabcdefghijklmnopqrstuvwxyz0123456789+/")}


class _Range(msgspec.Struct, rename="camel"):
    start_offset: int
    end_offset: int
    count: int


class _Function(msgspec.Struct):
    ranges: list[_Range]


class _Script(msgspec.Struct):
    url: str
    functions: list[_Function]


class _Dump(msgspec.Struct):
    result: list[_Script]


class _Package(msgspec.Struct):
    name: str


class _Map(msgspec.Struct, rename="camel"):
    sources: list[str | None]
    mappings: str
    source_root: str | None = None


def lines_run(folder: Path, tree: Path, inside: str, wanted: Collection[str]) -> dict[str, set[int]] | None:
    """By path in the repository (of those in `wanted`), the lines that ran; None if no runtime left anything.

    For JavaScript and TypeScript these are lines of functions that were called; a line of a module's own body is left out.
    `tree` is the built checkout that the process saw at `inside`.
    """
    found: dict[str, set[int]] = defaultdict(set)
    heard = False
    prefix = inside.rstrip("/") + "/"
    for path in _dumps(folder):
        data = read_bounded(path, MAX_FILE_BYTES)
        try:
            if path.name.startswith("python-"):
                for name, lines in msgspec.json.decode(data, type=dict[str, list[int]]).items():
                    if name.startswith(prefix) and name.removeprefix(prefix) in wanted:
                        found[name.removeprefix(prefix)].update(lines)
            else:
                for script in msgspec.json.decode(data, type=_Dump).result:
                    _add_script(script, tree, prefix, wanted, found)
            heard = True
        except msgspec.MsgspecError:
            continue
    return dict(found) if heard else None


def _dumps(folder: Path) -> list[Path]:
    names = sorted(name for name in os.listdir(folder) if name.endswith(".json") and name.startswith(("python-", "coverage-")))
    return [folder / name for name in names[:MAX_FILES]]


def read_bounded(path: Path, limit: int) -> bytes:
    """The content of a regular file of at most `limit` bytes; nothing for any other, or none. Never follows a symlink."""
    try:
        descriptor = os.open(path, os.O_RDONLY | os.O_NOFOLLOW | os.O_NONBLOCK | os.O_CLOEXEC)
    except OSError:
        return b""
    with os.fdopen(descriptor, "rb") as file:
        status = os.fstat(file.fileno())
        return file.read(limit) if stat.S_ISREG(status.st_mode) and status.st_size <= limit else b""


def _read_inside(tree: Path, name: str) -> bytes:
    """A file of the tree; nothing where a symlink leads out of it."""
    path = tree / name
    return read_bounded(path, MAX_CODE_BYTES) if path.resolve().is_relative_to(tree.resolve()) else b""


def _add_script(script: _Script, tree: Path, prefix: str, wanted: Collection[str], found: dict[str, set[int]]) -> None:
    path = unquote(script.url.removeprefix("file://"))
    if not path.startswith(prefix) or "/node_modules/" in path:
        return
    name = posixpath.normpath(path.removeprefix(prefix))
    if name.startswith(".."):
        return
    code = _read_inside(tree, name).decode("utf-8", "replace")
    called = _Called(script.functions)
    for source, line, offset in _segments(code, tree, name):
        if source in wanted and called.at(offset):
            found[source].add(line)


class _Called:
    """Whether the function around an offset was called, and the block around it reached.

    V8 gives for every function its whole range first, then blocks in it whose count differs; the innermost range decides. The
    first function is the module's own body, which runs at import and so says nothing: its offsets count as not called.
    """

    def __init__(self, functions: Sequence[_Function]) -> None:
        ranges = [(item, number == 0) for number, function in enumerate(functions) for item in function.ranges]
        ranges.sort(key=lambda pair: (pair[0].start_offset, -pair[0].end_offset))
        self._starts: list[int] = []
        self._called: list[bool] = []
        open_: list[tuple[int, bool]] = []
        for item, is_module in ranges:
            while open_ and open_[-1][0] <= item.start_offset:
                self._mark(open_.pop()[0], open_)
            open_.append((item.end_offset, item.count > 0 and not is_module))
            self._mark(item.start_offset, open_)
        while open_:
            self._mark(open_.pop()[0], open_)

    def _mark(self, offset: int, open_: Sequence[tuple[int, bool]]) -> None:
        """From `offset` on, the innermost range is the last of those still open."""
        self._starts.append(offset)
        self._called.append(bool(open_) and open_[-1][1])

    def at(self, offset: int) -> bool:
        """For an offset in UTF-16 units."""
        index = bisect.bisect_right(self._starts, offset) - 1
        return index >= 0 and self._called[index]


def _segments(code: str, tree: Path, name: str) -> Iterator[tuple[str, int, int]]:
    """(source path, source line from 1, offset in `code` in UTF-16 units) of every mapped place; the file itself without a map."""
    starts = _line_starts(code)
    found = _source_map(code, tree, name)
    if found is None:
        for number, line in enumerate(code.split("\n"), 1):
            yield from ((name, number, starts[number - 1] + column) for column in _word_starts(line))
        return
    folder = posixpath.dirname(name)
    sources = [
        posixpath.normpath(posixpath.join(folder, found.source_root or "", unquote(named or ""))) for named in found.sources
    ]
    for row, column, source, origin in decode_mappings(found.mappings):
        if 0 <= source < len(sources) and row < len(starts):
            yield sources[source], origin + 1, starts[row] + column


def _word_starts(line: str) -> Iterator[int]:
    return (found.start() for found in re.finditer(r"[A-Za-z_$][\w$]*", line))


def _line_starts(code: str) -> list[int]:
    """Where each line begins, in UTF-16 units."""
    starts, at = [0], 0
    for line in code.split("\n"):
        at += len(line.encode("utf-16-le", "replace")) // 2 + 1
        starts.append(at)
    return starts


def _source_map(code: str, tree: Path, name: str) -> _Map | None:
    named = _MAP_NAME.search(code[-4096:])
    if named is None or named[1].startswith("data:"):
        return None
    path = posixpath.normpath(posixpath.join(posixpath.dirname(name), unquote(named[1])))
    if path.startswith(("..", "/")):
        return None
    try:
        return msgspec.json.decode(_read_inside(tree, path), type=_Map)
    except msgspec.MsgspecError:
        return None


def decode_mappings(mappings: str) -> Iterator[tuple[int, int, int, int]]:
    """(generated line, generated column, source, source line), all from 0, of a source map's `mappings`; ends where it is damaged."""
    source = origin = 0
    for line, group in enumerate(mappings.split(";")):
        column = 0
        for segment in group.split(","):
            values = _vlq(segment)
            if values is None:
                return
            if not values:
                continue
            column += values[0]
            if len(values) >= 4:
                source, origin = source + values[1], origin + values[2]
                yield line, column, source, origin


def _vlq(segment: str) -> list[int] | None:
    """The numbers of one segment: base 64, five bits a digit, lowest first, the sign in the lowest bit of all."""
    values, shift, value = [], 0, 0
    for char in segment:
        digit = _DIGITS.get(char)
        if digit is None or shift > 60:
            return None
        value |= (digit & 31) << shift
        if digit & 32:
            shift += 5
        else:
            values.append(-(value >> 1) if value & 1 else value >> 1)
            shift, value = 0, 0
    return values


def packages_of(files: Mapping[str, str]) -> dict[str, str]:
    """Name -> folder of every package that a package.json among `files` (path -> text) declares."""
    found = {}
    for path, text in files.items():
        try:
            found[msgspec.json.decode(text.encode(), type=_Package).name] = posixpath.dirname(path)
        except msgspec.MsgspecError:
            continue
    return found
