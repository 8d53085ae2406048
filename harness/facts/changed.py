"""What of each file a commit changed, line by line, with every text decoded first: UTF-16 counts like any other."""

from __future__ import annotations

import re
import tempfile
from collections.abc import Iterable
from dataclasses import dataclass
from pathlib import Path

from harness.candidate import gitio
from harness.candidate.diff import DiffStats, FileDiff, FileKind, text_of
from harness.errors import UsageError

MAX_FILES = 400
_HUNK = re.compile(rb"^@@ -\S+ \+(\d+)(?:,(\d+))? @@", re.MULTILINE)


@dataclass(frozen=True, slots=True)
class Changed:
    """A file of text as the commit leaves it: `text`, and the numbers (from 1) of the lines that it added or changed.

    `before` is its text at the base, None where it was not there.
    """

    path: str
    kind: FileKind
    text: str
    before: str | None
    lines: frozenset[int]

    @property
    def added(self) -> bool:
        """Whether the base did not have the file."""
        return self.before is None


def changed_files(mirror: Path, stats: DiffStats, kinds: Iterable[FileKind]) -> list[Changed]:
    """The files of these kinds that the commit still has and that are text; at most `MAX_FILES`."""
    wanted = frozenset(kinds)
    chosen = [file for file in stats.files if file.kind in wanted and set(file.blobs[1]) != {"0"}]
    found = (_changed(mirror, file) for file in chosen[:MAX_FILES])
    return [file for file in found if file is not None]


def _changed(mirror: Path, file: FileDiff) -> Changed | None:
    old, new = file.blobs
    try:
        before = None if set(old) == {"0"} else text_of(mirror, old)
        text = text_of(mirror, new)
    except (UsageError, UnicodeDecodeError):
        return None
    return Changed(file.path, file.kind, text, before, _new_lines(mirror, before or "", text))


def _new_lines(mirror: Path, before: str, after: str) -> frozenset[int]:
    if not before:
        return frozenset(range(1, after.count("\n") + 1 + bool(after and not after.endswith("\n"))))
    with tempfile.TemporaryDirectory(prefix="harness-diff-") as folder:
        paths = [Path(folder, name) for name in ("old", "new")]
        for path, text in zip(paths, (before, after), strict=True):
            path.write_text(text, encoding="utf-8", newline="")
        done = gitio.run(mirror, ["diff", "--no-index", "--text", "--unified=0", "--", *map(str, paths)])
    lines: set[int] = set()
    for first, count in _HUNK.findall(done.stdout):
        lines.update(range(int(first), int(first) + int(count or 1)))
    return frozenset(lines)
