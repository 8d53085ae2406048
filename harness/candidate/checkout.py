"""From a commit or a plain folder to a verified, read-only tree in the cache.

The tree holds files only: no `.git`, no history.
"""

from __future__ import annotations

import time
from collections.abc import Iterator, Sequence
from dataclasses import dataclass
from datetime import datetime
from pathlib import Path

from git import Git

from harness.candidate import gitio, tree
from harness.candidate.addresses import shown
from harness.candidate.cache import Cache, make_read_only, remove
from harness.candidate.manifest import FILE_NAME, Manifest, parse_checkout
from harness.candidate.mirror import Commit, Limits, fetch_commit, read_blob
from harness.candidate.toml_lines import MAX_BYTES
from harness.candidate.tree import Entry, Plan
from harness.errors import InfraError, UsageError

# Raise it when the same entries would be written differently than before.
_LAYOUT = "1"
_CHUNK = 1 << 20
_LFS_MARK = b"version https://git-lfs.github.com/spec/"


@dataclass(frozen=True, slots=True)
class Checkout:
    """A tree on disk. `path` is read-only and shared: run nothing in it, build in a copy.

    `tree_digest` is SHA-256 in hex. The git fields are None for a plain folder; `date` is the committer's,
    `base` the first parent unless another was stated. `mirror` holds the objects of commit and base.
    `total_bytes` counts file contents.
    """

    path: Path
    tree_digest: str
    files: int
    total_bytes: int
    notes: tuple[str, ...]
    address: str
    commit: str | None = None
    git_tree: str | None = None
    base: str | None = None
    date: datetime | None = None
    subject: str = ""
    mirror: Path | None = None


def checkout_commit(cache: Cache, commit: Commit, *, base: str | None = None, limits: Limits | None = None) -> Checkout:
    """The tree of `commit`, written from git's objects or found in the cache and verified.

    Raises UsageError, InfraError.
    """
    limits = limits or Limits()
    notes = list(commit.notes)
    stated = fetch_commit(cache, commit.address, base, limits).sha if base else _parent_that_is_there(commit)
    planned = plan_commit(commit, limits)
    git = gitio.open_git(commit.mirror)

    def read(sha: str) -> Iterator[bytes]:
        return _blob_chunks(git, sha)

    try:
        path = _in_cache(cache, planned, read)
    finally:
        git.clear_cache()
    notes += [*planned.notes, *_pointer_notes(path, planned)]
    return Checkout(
        path=path,
        tree_digest=planned.digest,
        files=_count(planned),
        total_bytes=planned.total_bytes,
        notes=tuple(notes),
        address=commit.address,
        commit=commit.sha,
        git_tree=commit.tree,
        base=stated,
        date=commit.date,
        subject=commit.subject,
        mirror=commit.mirror,
    )


def checkout_folder(cache: Cache, folder: Path, *, limits: Limits | None = None) -> Checkout:
    """A copy of a folder that is no git repository, by the same rules. Raises UsageError, InfraError."""
    limits = limits or Limits()
    entries = tree.folder_entries(folder, limits)
    planned = tree.plan(entries, lambda entry: tree.link_text(folder / entry.path), limits)
    places = {entry.sha: entry for entry in entries}

    def read(sha: str) -> Iterator[bytes]:
        entry = places[sha]
        if entry.mode == 0o120000:
            return iter([tree.link_text(folder / entry.path)])
        return tree.file_chunks(folder / entry.path)

    path = _in_cache(cache, planned, read)
    return Checkout(
        path=path,
        tree_digest=planned.digest,
        files=_count(planned),
        total_bytes=planned.total_bytes,
        notes=planned.notes,
        address=str(folder),
    )


def plan_commit(commit: Commit, limits: Limits) -> Plan:
    """What the commit's tree becomes on disk."""
    entries = tree.git_entries(commit.mirror, commit.tree, limits)

    targets: dict[str, bytes] = {}

    def read_link(entry: Entry) -> bytes:
        if entry.sha not in targets:
            targets[entry.sha] = read_blob(commit.mirror, entry.sha, max_bytes=_CHUNK)
        return targets[entry.sha]

    return tree.plan(entries, read_link, limits)


def own_manifest(commit: Commit) -> Manifest | None:
    """The `harness.toml` that the commit brings along, believed in part; None if it has none.

    Raises UsageError.
    """
    where = f"{FILE_NAME} of {commit.sha[:12]}"
    listed = gitio.run(commit.mirror, ["ls-tree", "-z", "--full-tree", commit.tree, "--", FILE_NAME]).stdout
    if not listed:
        return None
    mode, kind, sha = listed.partition(b"\t")[0].decode().split()
    if kind != "blob" or mode == "120000":
        raise UsageError(f"{where}: expected a regular file, got {'a symlink' if mode == '120000' else 'a ' + kind}")
    try:
        data = read_blob(commit.mirror, sha, max_bytes=MAX_BYTES)
    except UsageError as error:
        raise UsageError(f"{where}: {error}") from None
    return parse_checkout(data, where)


def uncommitted(cache: Cache, folder: Path, commit: Commit, *, timeout_s: float = 10.0) -> str:
    """A note if `folder` holds work that is not in `commit`, or if that takes git over `timeout_s`; else "".

    Runs nothing that the folder's own git config says.
    """
    index = cache.temporary("mirrors").with_suffix(".index")
    calls = (
        ["read-tree", commit.sha],
        ["update-index", "-q", "--refresh"],
        ["diff-files", "-z", "--name-only"],
        ["ls-files", "-z", "--others", "--exclude-standard", "--directory"],
    )
    deadline = time.monotonic() + timeout_s
    counts: list[int] = []
    try:
        for call in calls:
            tree_of_it = None if call[0] == "read-tree" else folder
            left_s = max(deadline - time.monotonic(), 0.0)
            done = gitio.run(commit.mirror, call, env={"GIT_INDEX_FILE": str(index)}, work_tree=tree_of_it, timeout_s=left_s)
            if done.stopped:
                # Such as a pipe where git reads attributes: it waits for a writer.
                return (
                    f"whether {folder} has work that is not committed could not be told: git took longer than {timeout_s:g} s"
                )
            counts.append(done.stdout.count(b"\0"))
    finally:
        for path in (index, index.with_name(f"{index.name}.lock")):
            path.unlink(missing_ok=True)
    counts = counts[-2:]
    if not any(counts):
        return ""
    return (
        f"{folder} has work that is not committed ({counts[0]} changed, {counts[1]} new): it was NOT "
        "measured, "
        f"only commit {commit.sha[:12]} was"
    )


def describe(checkout: Checkout) -> str:
    """Where the tree comes from, for a reader: address without credentials, and commit."""
    return shown(checkout.address) + (f" at {checkout.commit[:12]}" if checkout.commit else " (a plain folder)")


def _parent_that_is_there(commit: Commit) -> str | None:
    return commit.parents[0] if commit.parents and not commit.notes else None


def _count(planned: Plan) -> int:
    return sum(item.kind is not tree.Kind.FOLDER for item in planned.items)


def _in_cache(cache: Cache, planned: Plan, read: tree.Reader) -> Path:
    """The folder for the planned tree.

    Reused if it is still the same to the byte, else written anew and renamed.
    """
    name = f"{planned.digest}-{_LAYOUT}"
    path = cache.folder("trees") / name
    with cache.lock(f"tree {name}"):
        if path.is_dir():
            if not tree.differs(planned, path):
                return path
            remove(path)
        cache.sweep("trees")
        half = cache.temporary("trees")
        try:
            tree.write(planned, half, read)
            _finish(planned, half)
            half.rename(path)
        except OSError as error:
            raise InfraError(f"the checkout could not be written to {path.parent} ({error.strerror})") from None
        finally:
            remove(half)
        make_read_only(path)
    return path


def _finish(planned: Plan, half: Path) -> None:
    wrong = tree.differs(planned, half)
    if wrong:
        raise UsageError(f"{Path(wrong).relative_to(half)} changed while it was being read; try again when it rests")


def _blob_chunks(git: Git, sha: str) -> Iterator[bytes]:
    try:
        _, _, _, stream = git.stream_object_data(sha)
    except ValueError:
        raise UsageError(f"the repository lacks the content {sha} of a file; fetch it whole") from None
    while chunk := stream.read(_CHUNK):
        yield chunk


def _pointer_notes(path: Path, planned: Plan) -> Sequence[str]:
    """A note where files are stand-ins for large ones kept elsewhere."""
    count = 0
    for item in planned.items:
        if item.kind is tree.Kind.FILE and (path / item.path).stat().st_size < 1024:
            with (path / item.path).open("rb") as file:
                count += file.read(len(_LFS_MARK)) == _LFS_MARK
    return [f"{count} files are Git LFS pointers: their contents were not fetched"] if count else []
