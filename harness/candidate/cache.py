"""The private cache on disk: where things lie, locks between harness runs, removal of read-only trees."""

from __future__ import annotations

import fcntl
import hashlib
import itertools
import os
import secrets
import stat
import time
from collections.abc import Iterator
from contextlib import contextmanager, suppress
from dataclasses import dataclass
from pathlib import Path

from harness.candidate.walk import walk
from harness.errors import InfraError


@dataclass(frozen=True, slots=True)
class Cache:
    """A folder of ours: `mirrors/` by repository address, `trees/` and `builds/` by content, `locks/`."""

    root: Path

    @classmethod
    def default(cls) -> Cache:
        """$HARNESS_CACHE, else $XDG_CACHE_HOME/harness, else ~/.cache/harness."""
        if own := os.environ.get("HARNESS_CACHE"):
            return cls(Path(own).absolute())
        xdg = os.environ.get("XDG_CACHE_HOME", "")
        return cls((Path(xdg) if Path(xdg).is_absolute() else Path.home() / ".cache") / "harness")

    def folder(self, kind: str) -> Path:
        """The folder for `kind`, made if need be. Raises InfraError if it cannot be made private."""
        path = self.root / kind
        try:
            self.root.mkdir(mode=0o700, parents=True, exist_ok=True)
            path.mkdir(mode=0o700, exist_ok=True)
        except OSError as error:
            raise InfraError(
                f"the cache folder {path} cannot be made ({error.strerror}); point HARNESS_CACHE at a writable folder"
            ) from None
        return path

    @contextmanager
    def lock(self, name: str, *, timeout_s: float = 1800.0) -> Iterator[None]:
        """Only one process at a time is inside for this `name`.

        Raises InfraError after `timeout_s` of waiting.
        """
        path = self.folder("locks") / hashlib.sha256(name.encode("utf-8", "surrogateescape")).hexdigest()[:32]
        deadline = time.monotonic() + timeout_s
        with path.open("ab") as file:
            while not _try_lock(file.fileno()):
                if time.monotonic() > deadline:
                    raise InfraError(f"another harness run has held the cache lock for {name} for over {timeout_s:.0f} s")
                time.sleep(0.05)
            yield

    def temporary(self, kind: str) -> Path:
        """A name (not yet made) beside the finished things of `kind`, to be renamed once whole."""
        return self.folder(kind) / f".half-{os.getpid()}-{secrets.token_hex(6)}"

    def sweep(self, kind: str) -> None:
        """Removes what runs that were killed left half done. A living run's folder stays.

        What cannot be removed stays too: it is in nobody's way.
        """
        for path in self.folder(kind).glob(".half-*"):
            if not _is_alive(path.name.split("-")[1]):
                with suppress(OSError):
                    remove(path)


def _is_alive(pid: str) -> bool:
    return pid.isdigit() and Path(f"/proc/{pid}").exists()


def _try_lock(descriptor: int) -> bool:
    try:
        fcntl.flock(descriptor, fcntl.LOCK_EX | fcntl.LOCK_NB)
    except BlockingIOError:
        return False
    return True


_FOLDER = os.O_RDONLY | os.O_DIRECTORY | os.O_CLOEXEC


def remove(path: Path) -> None:
    """Removes a file or a tree, however deep, read-only folders in it included; never follows a symlink.

    Absent is fine. What cannot be removed stays.
    """
    try:
        is_folder = stat.S_ISDIR(path.lstat().st_mode)
    except FileNotFoundError:
        return
    if not is_folder:
        path.unlink(missing_ok=True)
        return
    with suppress(OSError):
        _unlock(path)
        top = os.open(path, _FOLDER | os.O_NOFOLLOW)
        try:
            _empty(top)
        finally:
            os.close(top)
        path.rmdir()


def _empty(top: int) -> None:
    """Removes all that lies in the open folder `top`.

    A tree can be deeper than a path can name, Python recurse or a process hold folders open. So whatever folder
    lies deeper is first moved up, right below `top`.
    """
    mark = secrets.token_hex(8)
    fresh = (f".going-{mark}-{number}" for number in itertools.count())
    todo = _unlink_files(top)
    while todo:
        name = todo.pop()
        with suppress(OSError):
            _unlock(name, top)
            folder = os.open(name, _FOLDER | os.O_NOFOLLOW, dir_fd=top)
            try:
                todo += _move_up(folder, top, fresh)
            finally:
                os.close(folder)
            os.rmdir(name, dir_fd=top)


def _move_up(folder: int, top: int, fresh: Iterator[str]) -> list[str]:
    """Empties `folder`; the new names that its folders have in `top`."""
    moved: list[str] = []
    for name in _unlink_files(folder):
        new = next(fresh)
        with suppress(OSError):
            _unlock(name, folder)
            os.rename(name, new, src_dir_fd=folder, dst_dir_fd=top)
            moved.append(new)
    return moved


def _unlink_files(folder: int) -> list[str]:
    """Removes what lies in `folder` and is no folder; the names of those that are."""
    with os.scandir(folder) as listed:
        entries = list(listed)
    for entry in entries:
        if not entry.is_dir(follow_symlinks=False):
            with suppress(OSError):
                os.unlink(entry.name, dir_fd=folder)
    return [entry.name for entry in entries if entry.is_dir(follow_symlinks=False)]


def _unlock(name: str | Path, parent: int | None = None) -> None:
    """Makes a folder ours to list, to write and to move; never the target of a symlink."""
    # A folder without any permission can be opened in this way only.
    found = os.open(name, os.O_PATH | os.O_DIRECTORY | os.O_NOFOLLOW | os.O_CLOEXEC, dir_fd=parent)
    try:
        Path(f"/proc/self/fd/{found}").chmod(0o700)
    finally:
        os.close(found)


def make_read_only(root: Path) -> None:
    """Takes write and set-id bits from every file and folder under `root`; symlinks are left alone.

    Raises OSError; OverLongPath where a path is over the limits.
    """
    folders = [root]
    for name, status in walk(root):
        if stat.S_ISDIR(status.st_mode):
            folders.append(root / name)
        elif stat.S_ISREG(status.st_mode):
            (root / name).chmod(0o555 if status.st_mode & 0o100 else 0o444)
    for folder in reversed(folders):
        folder.chmod(0o555)
