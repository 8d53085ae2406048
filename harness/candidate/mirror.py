"""A private bare mirror per repository, and one commit in it, asked for by sha or by name.

A commit's full sha is fetched with its first parent alone, so the size of a repository's history does not
matter; a sha that is shortened has to be looked for among everything, so it fetches everything.
"""

from __future__ import annotations

import hashlib
import re
from dataclasses import dataclass
from datetime import UTC, datetime, timedelta, timezone
from pathlib import Path

from harness.candidate import gitio
from harness.candidate.addresses import FORMS, is_local, shown
from harness.candidate.cache import Cache, remove
from harness.candidate.walk import walk
from harness.errors import InfraError, UsageError

_FULL = re.compile(r"[0-9a-f]{40}")
_HEX = re.compile(r"[0-9a-f]{4,39}")
_NETWORK = re.compile(
    r"could not resolve|couldn't resolve|unable to access|connection (refused|reset|timed out)|failed to connect"
    r"|network is unreachable|no route to host|timed out|ssl|tls|proxy|hung up unexpectedly|early eof",
    re.IGNORECASE,
)
_REFUSED = re.compile(
    r"not found|does not exist|does not appear to be a git|could not read (username|password)|authentication failed"
    r"|terminal prompts disabled|permission denied|access denied|returned error: 40[134]|no such (file|repository)",
    re.IGNORECASE,
)
_PARENT = re.compile(rb"^parent ([0-9a-f]{40})$", re.MULTILINE)
_NAME = re.compile(r"[A-Za-z0-9][A-Za-z0-9._/@-]*")
_SERVED = re.compile(r"not our ref|unadvertised object|does not allow request", re.IGNORECASE)
_NO_SUCH_COMMIT = re.compile(r"not our ref|unadvertised object|couldn't find remote ref", re.IGNORECASE)


@dataclass(frozen=True, slots=True)
class Limits:
    """What a repository may cost before it is refused. `max_path_bytes` counts the paths of files and folders."""

    max_bytes: int = 2 * 1024**3
    max_files: int = 200_000
    max_folders: int = 100_000
    max_links: int = 10_000
    max_path_bytes: int = 64 * 1024**2
    fetch_timeout_s: float = 900.0


@dataclass(frozen=True, slots=True)
class Commit:
    """A commit that lies in `mirror`. Shas are 40 hex digits; `date` is the committer's.

    `subject` is plain text.
    """

    mirror: Path
    address: str
    sha: str
    tree: str
    parents: tuple[str, ...]
    date: datetime | None
    subject: str
    notes: tuple[str, ...] = ()


@dataclass(frozen=True, slots=True)
class _Asked:
    address: str
    name: str
    limits: Limits


def fetch_commit(cache: Cache, address: str, name: str, limits: Limits | None = None) -> Commit:
    """The commit that `name` means in the repository at `address` (normalised).

    A sha, a shortened one, a branch, a tag, HEAD; in a folder anything that git understands, such as HEAD~2.

    Needs no network for a sha that was fetched before. Raises UsageError where the repository cannot be
    reached, is not there, or has no such commit.
    """
    if not name or name.startswith("-") or any(char.isspace() or not char.isprintable() for char in name):
        raise UsageError(f"expected a commit (a sha, a branch, a tag or HEAD), got {name!r}")
    asked = _Asked(address, name, limits or Limits())
    with cache.lock(f"mirror {address}"):
        mirror = _open_mirror(cache, address)
        _remove_leftovers(mirror)
        if _FULL.fullmatch(name):
            return _full(mirror, asked, name)
        if is_local(address):
            return _full(mirror, asked, look_up(Path(address), name))
        found = _short(mirror, asked) if _HEX.fullmatch(name) else None
        return _full(mirror, asked, found or _named(mirror, asked))


def read_blob(mirror: Path, sha: str, *, max_bytes: int) -> bytes:
    """The content of one small file. Raises UsageError if it is larger than `max_bytes` or not there."""
    size = gitio.run(mirror, ["cat-file", "-s", sha])
    if size.status != 0:
        raise UsageError(f"object {sha} is not in the repository: {size.last_words}")
    if int(size.stdout) > max_bytes:
        raise UsageError(f"expected a file of at most {max_bytes} bytes, got {int(size.stdout)}")
    return gitio.run(mirror, ["cat-file", "blob", sha]).stdout


def look_up(folder: Path, name: str) -> str:
    """The sha that `name` means in the git repository `folder`: a plain look-up, which runs nothing.

    Raises UsageError.
    """
    git_dir = folder / ".git" if (folder / ".git").exists() else folder
    found = gitio.run(git_dir, ["rev-parse", "--verify", "--end-of-options", f"{name}^{{commit}}"])
    if found.status != 0:
        raise UsageError(f"the repository {folder} has no commit {name!r} ({found.last_words})")
    return found.stdout.decode().strip()


def has_commit(mirror: Path, sha: str) -> bool:
    """Whether the commit itself lies in the mirror already."""
    return gitio.run(mirror, ["cat-file", "-e", f"{sha}^{{commit}}"]).status == 0


def _open_mirror(cache: Cache, address: str) -> Path:
    """The mirror for `address`, made whole under another name first, so that a kill leaves none half made."""
    mirror = cache.folder("mirrors") / _key(address)
    if (mirror / "HEAD").is_file():
        return mirror
    cache.sweep("mirrors")
    half = cache.temporary("mirrors")
    half.mkdir(mode=0o700)
    # No template: the operator's may hold hooks. An unborn HEAD: git reads attributes from a HEAD that exists.
    arguments = ["init", "--quiet", "--template=", "--initial-branch=none", "--object-format=sha1"]
    made = gitio.run(half, arguments)
    if made.status != 0:
        remove(half)
        raise InfraError(f"git could not make a mirror in {mirror.parent}: {made.last_words}")
    remove(mirror)
    half.rename(mirror)
    return mirror


def _key(address: str) -> str:
    readable = re.sub(r"[^A-Za-z0-9]+", "-", shown(address)).strip("-")[-40:]
    return f"{readable}-{hashlib.sha256(address.encode('utf-8', 'surrogateescape')).hexdigest()[:16]}"


def _remove_leftovers(mirror: Path) -> None:
    """Locks and half-written packs of a fetch that was killed.

    The caller holds our own lock, so nobody uses them.
    """
    # Branches of a hostile repository are folders here, however deep.
    for path, _ in walk(mirror, limited=False):
        inside, _, name = path.rpartition("/")
        is_lock = name.endswith(".lock") and inside.partition("/")[0] in {"", "refs"}
        if is_lock or (inside.startswith("objects") and name.startswith(("tmp_", ".tmp-"))):
            remove(mirror / path)


def _full(mirror: Path, asked: _Asked, sha: str) -> Commit:
    if not _whole(mirror, sha):
        fetched = _fetch(mirror, asked, ["--depth=2"], [sha])
        if not has_commit(mirror, sha):
            # Some servers hand out only what a branch or a tag leads to.
            fetched = fetched if fetched.stopped or not _SERVED.search(fetched.stderr) else _everything(mirror, asked)
            if not has_commit(mirror, sha):
                raise _refusal(asked, fetched)
    return _read_commit(mirror, asked, sha)


def _whole(mirror: Path, sha: str) -> bool:
    """Whether the commit and its first parent are there.

    A fetch of a child brings a commit without its own parent.
    """
    if not has_commit(mirror, sha):
        return False
    parents = _PARENT.findall(_head(mirror, sha))
    return not parents or has_commit(mirror, parents[0].decode())


def _short(mirror: Path, asked: _Asked) -> str | None:
    """The full sha of a shortened one; None if no commit starts like that."""
    found = _lookup(mirror, asked)
    if found is None:
        fetched = _everything(mirror, asked)
        if fetched.status != 0:
            raise _refusal(asked, fetched)
        found = _lookup(mirror, asked)
    return found


def _lookup(mirror: Path, asked: _Asked) -> str | None:
    found = gitio.run(mirror, ["rev-parse", "--verify", "--end-of-options", f"{asked.name}^{{commit}}"])
    if found.status != 0 and "ambiguous" in found.stderr:
        raise UsageError(f"{asked.name} is the start of several commits of {shown(asked.address)}; give more of its digits")
    return found.stdout.decode().strip() if found.status == 0 else None


def _named(mirror: Path, asked: _Asked) -> str:
    """The commit that a branch or tag points to now."""
    if not _NAME.fullmatch(asked.name):
        raise UsageError(
            f"expected a sha, a branch, a tag or HEAD of {shown(asked.address)}, got {asked.name!r}; "
            "a commit that is named relative to another is understood in a local folder only"
        )
    fetched = _fetch(mirror, asked, ["--depth=2"], [f"+{asked.name}:refs/asked"])
    if fetched.status != 0:
        raise _refusal(asked, fetched)
    found = gitio.run(mirror, ["rev-parse", "--verify", "--end-of-options", "refs/asked^{commit}"])
    if found.status != 0:
        raise UsageError(f"{asked.name} of {shown(asked.address)} is no commit")
    return found.stdout.decode().strip()


def _everything(mirror: Path, asked: _Asked) -> gitio.GitResult:
    whole = ["--unshallow"] if (mirror / "shallow").exists() else []
    # Not under refs/heads or refs/tags: a branch that is named like a sha must not be taken for it.
    return _fetch(mirror, asked, whole, ["+refs/heads/*:refs/mirror/heads/*", "+refs/tags/*:refs/mirror/tags/*"])


def _fetch(mirror: Path, asked: _Asked, options: list[str], refspecs: list[str]) -> gitio.GitResult:
    before = _size(mirror)

    def too_much() -> str:
        over = _size(mirror) - before > asked.limits.max_bytes
        return f"it is larger than the limit of {asked.limits.max_bytes / 1024**2:.0f} MiB" if over else ""

    fixed = ["--quiet", "--no-tags", "--no-write-fetch-head", "--update-shallow", "--no-recurse-submodules"]
    return gitio.run(
        mirror,
        ["fetch", *fixed, *options, "--", asked.address, *refspecs],
        timeout_s=asked.limits.fetch_timeout_s,
        operator_config=True,
        too_much=too_much,
    )


def _size(folder: Path) -> int:
    """Bytes of all files under `folder`; a file that goes away meanwhile counts nothing."""
    return sum(status.st_size for _, status in walk(folder, limited=False))


def _refusal(asked: _Asked, result: gitio.GitResult) -> UsageError:
    """The one sentence for a fetch that did not bring the commit."""
    where, words = shown(asked.address), result.last_words
    if result.stopped:
        return UsageError(f"fetching {asked.name} from {where} was stopped: {result.stopped}")
    if result.status == 0 or _NO_SUCH_COMMIT.search(result.stderr):
        return UsageError(f"the repository {where} has no commit {asked.name}")
    if "dubious ownership" in result.stderr:
        return UsageError(f"git will not read {where}, which belongs to another user; add it to git's safe.directory")
    if "not allowed" in result.stderr:
        return UsageError(f"the transport that {where} leads to is not allowed ({words}); expected {FORMS}")
    if _REFUSED.search(result.stderr):
        return UsageError(f"there is no repository at {where}, or it is not open to you ({words})")
    if _NETWORK.search(result.stderr):
        return UsageError(f"the repository {where} cannot be reached over the network ({words}); try again when online")
    return UsageError(f"{asked.name} cannot be fetched from {where} ({words})")


def _head(mirror: Path, sha: str) -> bytes:
    return gitio.run(mirror, ["cat-file", "commit", sha]).stdout.partition(b"\n\n")[0] + b"\n"


def _read_commit(mirror: Path, asked: _Asked, sha: str) -> Commit:
    """Reads the commit from the raw object: nothing in it is trusted to be well-formed."""
    raw = gitio.run(mirror, ["cat-file", "commit", sha]).stdout
    head, _, message = raw.partition(b"\n\n")
    tree = re.match(rb"tree ([0-9a-f]{40})\n", head)
    if tree is None:
        raise UsageError(f"the commit {sha} of {shown(asked.address)} is damaged: it names no tree")
    parents = tuple(parent.decode() for parent in _PARENT.findall(head + b"\n"))
    subject = message.lstrip(b"\n").partition(b"\n")[0].decode("utf-8", "replace")
    notes: tuple[str, ...] = ()
    if parents and not has_commit(mirror, parents[0]):
        notes = (f"the parent of {sha[:12]} is not in {shown(asked.address)}: its history is cut short there",)
    return Commit(
        mirror=mirror,
        address=asked.address,
        sha=sha,
        tree=tree[1].decode(),
        parents=parents,
        date=_date(head),
        subject="".join(char for char in subject if char.isprintable())[:200],
        notes=notes,
    )


def _date(head: bytes) -> datetime | None:
    found = re.search(rb"^committer .*> (\d{1,12}) ([+-])(\d\d)(\d\d)$", head, re.MULTILINE)
    if found is None:
        return None
    offset = timedelta(hours=int(found[3]), minutes=int(found[4])) * (-1 if found[2] == b"-" else 1)
    try:
        return datetime.fromtimestamp(int(found[1]), UTC).astimezone(timezone(offset))
    except (ValueError, OverflowError):
        return None
