"""What a commit changed against its base: files and lines, by what kind of file.

Measured, whatever its author says.
"""

from __future__ import annotations

import re
import tempfile
from collections.abc import Iterator
from dataclasses import dataclass, field
from pathlib import Path
from typing import Literal

from harness.candidate import gitio
from harness.candidate.mirror import read_blob
from harness.errors import UsageError

FileKind = Literal["source", "test", "docs", "generated", "examples", "config"]
KINDS: tuple[FileKind, ...] = ("source", "test", "docs", "generated", "examples", "config")

_MAX_BLOB_BYTES = 16 * 1024**2
_RULES: tuple[tuple[FileKind, re.Pattern[str]], ...] = (
    (
        "generated",
        re.compile(
            r"(^|/)(node_modules|dist|build|vendor|target|__pycache__|__snapshots__)/|\.(min\.js|min\.css|map|snap|tsbuildinfo|pyc)$"
            r"|(^|/)(package-lock\.json|pnpm-lock\.yaml|npm-shrinkwrap\.json|go\.sum|[^/]+\.lock|bun\.lockb)$"
        ),
    ),
    (
        "test",
        re.compile(
            r"(^|/)(tests?|__tests__|specs?|fixtures|e2e)/|(^|/)(test_[^/]+|conftest)\.py$"
            r"|[._-](test|spec|tests)\.[a-z]+$|_test\.(py|go|rb)$|Tests?\.(java|cs|kt)$"
        ),
    ),
    (
        "examples",
        re.compile(r"(^|/)(examples?|samples?|demos?)/|(^|/)([^/]*[._-])?(example|demo)\.(py|[cm]?[jt]sx?|go|rs|java)$"),
    ),
    ("docs", re.compile(r"(^|/)docs?/|\.(md|mdx|rst|adoc|txt)$|(^|/)(LICENSE|COPYING|NOTICE|AUTHORS|CHANGELOG)$")),
    (
        "config",
        re.compile(
            r"\.(json|jsonc|toml|ya?ml|ini|cfg|conf|properties|editorconfig)$|(^|/)(Dockerfile|Makefile|\.[^/]+)$"
            r"|\.config\.[cm]?[jt]s$|(^|/)\.(github|vscode|husky)/"
        ),
    ),
)


@dataclass(frozen=True, slots=True)
class FileDiff:
    """One changed file; lines are None where it is no text. `utf16` says that it was decoded to be counted.

    `blobs` are git's names of its content before and after; only noughts where it was not, or is no more.
    """

    path: str
    kind: FileKind
    added: int | None
    removed: int | None
    utf16: bool = False
    blobs: tuple[str, str] = field(default=("", ""), compare=False)


@dataclass(frozen=True, slots=True)
class Totals:
    """Files changed, lines added and removed, and the difference."""

    files: int
    added: int
    removed: int

    @property
    def net(self) -> int:
        """Lines added less lines removed."""
        return self.added - self.removed


@dataclass(frozen=True, slots=True)
class DiffStats:
    """All changed files of a commit against `base`, with totals. `notes` are sentences for the reader."""

    base: str
    commit: str
    files: tuple[FileDiff, ...]
    notes: tuple[str, ...]

    def totals(self, kind: FileKind | None = None) -> Totals:
        """Over the files of one kind, or over all."""
        chosen = [file for file in self.files if kind in {None, file.kind}]
        added = sum(file.added or 0 for file in chosen)
        return Totals(len(chosen), added, sum(file.removed or 0 for file in chosen))


def kind_of(path: str) -> FileKind:
    """What kind of file a path is, by its name alone."""
    return next((kind for kind, pattern in _RULES if pattern.search(path)), "source")


def diff(mirror: Path, base: str, commit: str) -> DiffStats:
    """The difference of two commits that lie in `mirror`; a renamed file is one removed and one added.

    Raises UsageError if git cannot compare them.
    """
    options = ["-r", "-z", "--raw", "--numstat", "--no-renames", "--no-ext-diff", "--no-textconv", "--no-abbrev"]
    done = gitio.run(mirror, ["diff-tree", *options, base, commit])
    if done.status != 0:
        raise UsageError(f"git cannot compare {base[:12]} and {commit[:12]} ({done.last_words})")
    blobs, counts = _split(done.stdout.decode("utf-8", "surrogateescape"))
    files = tuple(_file(mirror, path, blobs[path], lines) for path, lines in counts.items())
    return DiffStats(base, commit, files, tuple(_notes(files)))


_Lines = tuple[int, int] | None


def _split(text: str) -> tuple[dict[str, tuple[str, str]], dict[str, _Lines]]:
    """git's raw and numstat records: per path its two blobs, and its lines added and removed (None: no text)."""
    blobs: dict[str, tuple[str, str]] = {}
    counts: dict[str, _Lines] = {}
    fields: Iterator[str] = iter(text.split("\0"))
    for record in fields:
        if record.startswith(":"):
            _, _, old, new, _ = record.split(" ")
            blobs[next(fields)] = (old, new)
        elif record:
            added, removed, path = record.split("\t", 2)
            counts[path] = None if added == "-" else (int(added), int(removed))
    return blobs, counts


def _file(mirror: Path, path: str, blobs: tuple[str, str], lines: _Lines) -> FileDiff:
    shown = path.encode("utf-8", "surrogateescape").decode("utf-8", "replace")
    if lines is not None:
        return FileDiff(shown, kind_of(shown), *lines, blobs=blobs)
    decoded = _utf16_lines(mirror, blobs)
    if decoded is None:
        return FileDiff(shown, kind_of(shown), None, None, blobs=blobs)
    return FileDiff(shown, kind_of(shown), *decoded, utf16=True, blobs=blobs)


def _utf16_lines(mirror: Path, blobs: tuple[str, str]) -> _Lines:
    """Lines added and removed between two blobs of which at least one is UTF-16 and neither is binary.

    Else None.
    """
    try:
        texts = [text_of(mirror, sha) for sha in blobs]
    except (UsageError, UnicodeDecodeError):
        return None
    with tempfile.TemporaryDirectory(prefix="harness-diff-") as folder:
        paths = [Path(folder, name) for name in ("old", "new")]
        for path, text in zip(paths, texts, strict=True):
            path.write_text(text, encoding="utf-8", newline="")
        done = gitio.run(mirror, ["diff", "--no-index", "--text", "--numstat", "--", *map(str, paths)])
    added, removed = (done.stdout.split() or [b"0", b"0"])[:2]
    return int(added), int(removed)


def text_of(mirror: Path, sha: str) -> str:
    """A blob as text, "" for one that is not there, its lines ended by LF alone: an editor that writes UTF-16 writes CRLF too.

    Raises UnicodeDecodeError where it is no text, UsageError if it is too large.
    """
    return _text(b"" if set(sha) == {"0"} else read_blob(mirror, sha, max_bytes=_MAX_BLOB_BYTES)).replace("\r\n", "\n")


def _text(data: bytes) -> str:
    """UTF-16 by its byte order mark, else UTF-8. Raises UnicodeDecodeError for what is neither."""
    text = data.decode("utf-16" if data.startswith((b"\xff\xfe", b"\xfe\xff")) else "utf-8-sig")
    if "\0" in text:
        raise UnicodeDecodeError("utf-8", data[:1], 0, 1, "a NUL, so no text")
    return text


def _notes(files: tuple[FileDiff, ...]) -> Iterator[str]:
    utf16 = [file.path for file in files if file.utf16]
    if utf16:
        yield f"counted after decoding from UTF-16, with line ends made alike: {', '.join(utf16[:5])}" + (
            " ..." if len(utf16) > 5 else ""
        )
    binary = sum(file.added is None for file in files)
    if binary:
        yield f"{binary} binary files are counted as files, not in lines"
