"""Every walk over a tree of files that somebody else filled: no recursion, no symlink followed, and limits on paths.

A folder can nest deeper than Python recurses, and deeper than a path can name.
"""

from __future__ import annotations

import os
import stat
from collections.abc import Collection, Iterator
from pathlib import Path

MAX_PARTS = 100
MAX_PATH_BYTES = 1000


class OverLongPath(ValueError):
    """A path in a tree is over the limits; the text says which path, and which limit."""


def why_over_long(path: str) -> str:
    """What is wrong with the length of `path` (relative to its tree), or ""."""
    if path.count("/") >= MAX_PARTS:
        return f"has more than {MAX_PARTS} parts"
    if len(os.fsencode(path)) > MAX_PATH_BYTES:
        return f"is longer than {MAX_PATH_BYTES:,} bytes"
    return ""


def printable(path: str) -> str:
    """`path` for a sentence: on one line, and short."""
    text = path[:1000] if path[:1000].isprintable() else ascii(path[:1000])[1:-1]
    return text if len(text) <= 120 else text[:117] + "..."


def walk(root: Path, *, skip: Collection[str] = (), limited: bool = True) -> Iterator[tuple[str, os.stat_result]]:
    """Everything under `root`: its path relative to `root`, and its status, that of a link for a link.

    A folder comes before what it holds, and all that a folder holds, by name, before anything deeper. Folders
    called as in `skip` are passed over. What goes away meanwhile is left out.

    Raises OSError where a folder cannot be read; OverLongPath for a path over the limits, if `limited`.
    """
    todo = [""]
    while todo:
        folder = todo.pop()
        inner: list[str] = []
        for entry in _listed(root / folder):
            path = f"{folder}/{entry.name}" if folder else entry.name
            if limited and (reason := why_over_long(path)):
                raise OverLongPath(f"the path {printable(path)} {reason}")
            try:
                status = entry.stat(follow_symlinks=False)
            except FileNotFoundError:
                continue
            is_folder = stat.S_ISDIR(status.st_mode)
            if is_folder and entry.name in skip:
                continue
            if is_folder:
                inner.append(path)
            yield path, status
        todo.extend(reversed(inner))


def _listed(folder: Path) -> list[os.DirEntry[str]]:
    try:
        with os.scandir(folder) as entries:
            return sorted(entries, key=lambda entry: entry.name)
    except (FileNotFoundError, NotADirectoryError):
        return []
