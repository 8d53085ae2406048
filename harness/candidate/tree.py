"""A tree of files as data, and as a folder.

What may be written, where its links may lead, its digest, its verification.

Blobs go straight from git's object database to files. Attributes, filters and hooks have no part in it, so
none can run.
"""

from __future__ import annotations

import hashlib
import os
import stat
from collections.abc import Callable, Collection, Iterable, Iterator, Mapping, Sequence
from dataclasses import dataclass
from enum import Enum
from pathlib import Path

from harness.candidate import gitio
from harness.candidate.mirror import Limits
from harness.candidate.walk import OverLongPath, printable, walk, why_over_long
from harness.errors import InfraError, UsageError

_CHUNK = 1 << 20
_MAX_LINK_BYTES = 4095
_MAX_HOPS = 40
_MAX_STEPS = 5000


@dataclass(frozen=True, slots=True)
class Entry:
    """One file of a tree as git lists it.

    `path` with surrogate escapes, git's mode, the blob's sha, size in bytes.
    """

    path: str
    mode: int
    sha: str
    size: int


class Kind(Enum):
    """What an entry becomes on disk."""

    FILE = "file"
    EXECUTABLE = "executable"
    LINK = "link"
    FOLDER = "folder"


@dataclass(frozen=True, slots=True)
class Planned:
    """One thing to write: a file's blob by `sha`, a link's `target`, or an empty folder."""

    path: str
    kind: Kind
    sha: str = ""
    target: str = ""


@dataclass(frozen=True, slots=True)
class Plan:
    """All that is written for a tree, in order, folders before their files and links last.

    `notes` say what was left out or replaced, and why.
    """

    items: tuple[Planned, ...]
    notes: tuple[str, ...]
    digest: str
    total_bytes: int


Reader = Callable[[str], Iterator[bytes]]


def git_entries(git_dir: Path, tree: str, limits: Limits) -> list[Entry]:
    """The files of a git tree. Stops reading at the limits: a small repository can list billions.

    Raises UsageError.
    """
    process = gitio.start(git_dir, ["ls-tree", "-r", "-l", "-z", "--full-tree", tree])
    if process.stdout is None or process.stderr is None:
        raise InfraError("git was started without pipes")
    entries: list[Entry] = []
    tally = _Tally(limits)
    rest = b""
    try:
        while chunk := process.stdout.read(_CHUNK):
            *lines, rest = (rest + chunk).split(b"\0")
            for line in lines:
                entry = _parse_entry(line)
                tally.add(entry.path)
                entries.append(entry)
            if len(rest) > _CHUNK:
                raise UsageError("the tree holds a path of more than 1 MiB, which no file system takes")
        words = process.stderr.read().decode("utf-8", "replace").strip()
        # It has closed its output, so it is about to end: by itself, or because the tree broke it.
        status = process.wait()
    finally:
        gitio.kill_group(process)
        process.wait()
        process.stdout.close()
        process.stderr.close()
    if status != 0 or words or rest:
        why = printable(words) or "its folders nest too deep for git, or its objects are damaged"
        raise UsageError(f"git cannot list the tree {tree}: {why} (exit {status})")
    return entries


def _parse_entry(line: bytes) -> Entry:
    head, _, path = line.partition(b"\t")
    mode, kind, sha, size = head.split()
    if kind == b"blob" and not size.isdigit():
        raise UsageError(f"the repository lacks the content {sha.decode()} of a file; fetch it whole")
    return Entry(os.fsdecode(path), int(mode, 8), sha.decode(), int(size) if kind == b"blob" else 0)


class _Tally:
    """Counts what a tree would be on disk while it is still being listed, and refuses it at the first limit.

    A few objects of git can stand for any number of folders.
    """

    def __init__(self, limits: Limits) -> None:
        self._limits = limits
        self._files = 0
        self._path_bytes = 0
        self._folders: set[str] = set()

    def add(self, path: str) -> None:
        """Counts a file at `path`, and the folders that it needs. Raises UsageError."""
        if reason := why_over_long(path):
            raise UsageError(f"the path {printable(path)} of the tree {reason}, which is the limit for a candidate")
        folders = _new_folders(path, self._folders)
        self._folders.update(folders)
        self._files += 1
        self._path_bytes += sum(len(os.fsencode(name)) for name in (path, *folders))
        self._check("files", self._files, self._limits.max_files)
        self._check("folders", len(self._folders), self._limits.max_folders)
        self._check("bytes of paths", self._path_bytes, self._limits.max_path_bytes)

    def _check(self, what: str, count: int, limit: int) -> None:
        if count > limit:
            raise UsageError(f"the tree has more than {limit:,} {what}, which is the limit for a candidate")


def _new_folders(path: str, known: Collection[str]) -> list[str]:
    """The folders around `path` that are not `known`, the nearest first; a known one's own are known too."""
    found: list[str] = []
    folder = path.rpartition("/")[0]
    while "/" in path and folder not in known:
        found.append(folder)
        path, folder = folder, folder.rpartition("/")[0]
    return found


def folder_entries(root: Path, limits: Limits) -> list[Entry]:
    """The files of a plain folder, hashed as git would; `.git` and `__pycache__` are passed over.

    Raises UsageError.
    """
    tally = _Tally(limits)
    entries: list[Entry] = []
    try:
        for name, status in walk(root, skip=(".git", "__pycache__")):
            if not stat.S_ISDIR(status.st_mode):
                tally.add(name)
                entries.append(_folder_entry(root / name, name, status))
    except OverLongPath as error:
        raise UsageError(f"{root}: {error}, which is the limit for a candidate") from None
    except OSError as error:
        raise UsageError(f"{error.filename or root}: cannot be read ({error.strerror})") from None
    return entries


def _folder_entry(path: Path, name: str, status: os.stat_result) -> Entry:
    if stat.S_ISLNK(status.st_mode):
        data = link_text(path)
        return Entry(name, 0o120000, _blob_sha([data], len(data)), len(data))
    if not stat.S_ISREG(status.st_mode):
        raise UsageError(f"{path}: expected files, folders and symlinks only, got something else; take it away")
    mode = 0o100755 if status.st_mode & 0o100 else 0o100644
    return Entry(name, mode, _blob_sha(file_chunks(path), status.st_size), status.st_size)


def link_text(path: Path) -> bytes:
    """The target of a symlink, to the byte."""
    return os.readlink(os.fsencode(path))


def file_chunks(path: Path) -> Iterator[bytes]:
    """The content of a regular file, in pieces; a symlink is not followed."""
    descriptor = os.open(path, os.O_RDONLY | os.O_NOFOLLOW | os.O_NONBLOCK | os.O_CLOEXEC)
    with os.fdopen(descriptor, "rb") as file:
        while chunk := file.read(_CHUNK):
            yield chunk


def _blob_sha(chunks: Iterable[bytes], size: int) -> str:
    digest = hashlib.sha1(b"blob %d\0" % size, usedforsecurity=False)
    for chunk in chunks:
        digest.update(chunk)
    return digest.hexdigest()


def tree_digest(entries: Iterable[Entry]) -> str:
    """SHA-256 (hex) over path, mode and blob of every file, in order of path.

    Equal for equal trees, wherever they lie.
    """
    digest = hashlib.sha256(b"tree 1\0")
    for entry in sorted(entries, key=lambda entry: os.fsencode(entry.path)):
        digest.update(b"%06o %s " % (entry.mode, entry.sha.encode()) + os.fsencode(entry.path) + b"\0")
    return digest.hexdigest()


def plan(entries: Sequence[Entry], read_link: Callable[[Entry], bytes], limits: Limits) -> Plan:
    """What to write for `entries`. Names that could do harm are left out.

    Links that lead out become plain files. The number and the paths of `entries` were checked when they were
    listed.

    Raises UsageError if the files together, or the symlinks, are over their limit.
    """
    total = sum(entry.size for entry in entries)
    if total > limits.max_bytes:
        raise UsageError(
            f"the tree holds {total / 1024**2:,.0f} MiB of files; the limit is {limits.max_bytes / 1024**2:,.0f} MiB"
        )
    links = sum(stat.S_ISLNK(entry.mode) for entry in entries)
    if links > limits.max_links:
        raise UsageError(f"the tree has more than {limits.max_links:,} symlinks, which is the limit for a candidate")
    notes: list[str] = []
    kept: dict[str, Entry] = {}
    folders: set[str] = set()
    for entry in sorted(entries, key=lambda entry: (stat.S_ISLNK(entry.mode), os.fsencode(entry.path))):
        reason = _bad_name(entry.path) or _conflict(entry.path, kept, folders)
        if reason:
            notes.append(f"{printable(entry.path)} was left out: {reason}")
            continue
        kept[entry.path] = entry
        folders.update(_new_folders(entry.path, folders))
    items = _items(kept, folders, read_link, notes)
    return Plan(tuple(items), tuple(notes), tree_digest(entries), total)


def _items(
    kept: Mapping[str, Entry], folders: set[str], read_link: Callable[[Entry], bytes], notes: list[str]
) -> list[Planned]:
    items = [Planned(path, Kind.FOLDER) for path in sorted(folders)]
    links: dict[str, str] = {}
    for path, entry in kept.items():
        if stat.S_ISLNK(entry.mode):
            links[path] = os.fsdecode(read_link(entry)) if entry.size <= _MAX_LINK_BYTES else ""
        elif stat.S_IFMT(entry.mode) == 0o160000:
            items.append(Planned(path, Kind.FOLDER))
            notes.append(f"{printable(path)} is a submodule, which is not fetched: an empty folder stands there")
        else:
            kind = Kind.EXECUTABLE if entry.mode & 0o100 else Kind.FILE
            items.append(Planned(path, kind, sha=entry.sha))
    for path, target in links.items():
        reason = why_not_link(path, links)
        if reason:
            notes.append(f"the symlink {printable(path)} {reason}: a plain file with its target stands there")
            items.append(Planned(path, Kind.FILE, sha=kept[path].sha))
        else:
            items.append(Planned(path, Kind.LINK, target=target))
    return items


def why_not_link(path: str, links: Mapping[str, str]) -> str:
    """Why the link at `path` is not made, or "" if it stays inside, every link on its way followed.

    `links` maps the path of every link of the tree to its target. A part that is missing counts as a folder,
    so that nothing that is made later can open a way out.
    """
    todo = path.split("/")[::-1]
    here: list[str] = []
    hops = steps = 0
    while todo:
        part = todo.pop()
        steps += 1
        if steps > _MAX_STEPS:
            return "leads over too many folders"
        if part in {"", "."}:
            continue
        if part == "..":
            if not here:
                return "leads out of the tree"
            here.pop()
            continue
        here.append(part)
        target = links.get("/".join(here))
        if target is None:
            continue
        hops += 1
        if not target or "\0" in target or hops > _MAX_HOPS:
            return "leads nowhere" if hops <= _MAX_HOPS else "leads round in a circle, or over too many others"
        if target.startswith("/"):
            return "leads out of the tree"
        here.pop()
        todo.extend(target.split("/")[::-1])
    return ""


def _bad_name(path: str) -> str:
    parts = path.split("/")
    if any(part in {"", ".", ".."} for part in parts):
        return "its path is absolute or climbs"
    if any(part.casefold() == ".git" for part in parts):
        return "git reads what is called .git"
    if any(ord(char) < 32 or ord(char) == 127 for char in path):
        return "control characters in its name"
    if any(len(os.fsencode(part)) > 255 for part in parts):
        return "its name is too long for a file system"
    return ""


def _conflict(path: str, kept: Mapping[str, Entry], folders: set[str]) -> str:
    clash = path in kept or path in folders or any(folder in kept for folder in _new_folders(path, folders))
    return "another file of the tree has its place" if clash else ""


def write(planned: Plan, root: Path, read: Reader) -> None:
    """Writes the tree into `root`, a new folder.

    No symlink exists while files are written, so none can be followed.
    """
    root.mkdir(mode=0o700)
    for item in planned.items:
        path = root / item.path
        if item.kind is Kind.FOLDER:
            path.mkdir(mode=0o700)
        elif item.kind is Kind.LINK:
            path.symlink_to(item.target)
        else:
            _write_file(path, read(item.sha), 0o755 if item.kind is Kind.EXECUTABLE else 0o644)


def _write_file(path: Path, chunks: Iterator[bytes], mode: int) -> None:
    flags = os.O_WRONLY | os.O_CREAT | os.O_EXCL | os.O_NOFOLLOW | os.O_CLOEXEC
    with os.fdopen(os.open(path, flags, mode), "wb") as file:
        for chunk in chunks:
            file.write(chunk)


def differs(planned: Plan, root: Path) -> str:
    """Where the folder `root` is not what the plan says, or "" if it is the same to the byte."""
    expected = {item.path: item for item in planned.items}
    seen = 0
    for name, status in walk(root, limited=False):
        item = expected.get(name)
        if item is None or not _same(root / name, status, item):
            return str(root / name)
        seen += 1
    return "" if seen == len(expected) else str(root)


def _same(path: Path, status: os.stat_result, item: Planned) -> bool:
    if item.kind is Kind.LINK:
        return stat.S_ISLNK(status.st_mode) and link_text(path) == os.fsencode(item.target)
    if item.kind is Kind.FOLDER:
        return stat.S_ISDIR(status.st_mode)
    executable = bool(status.st_mode & 0o100)
    if not stat.S_ISREG(status.st_mode) or executable != (item.kind is Kind.EXECUTABLE):
        return False
    return _blob_sha(file_chunks(path), status.st_size) == item.sha
