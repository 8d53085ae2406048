"""The private cache on disk: where things lie, locks between harness runs, removal of read-only trees."""

from __future__ import annotations

import fcntl
import hashlib
import os
import secrets
import shutil
import stat
import time
from collections.abc import Iterator
from contextlib import contextmanager
from dataclasses import dataclass
from pathlib import Path

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
        """Removes what runs that were killed left half done. A living run's folder stays."""
        for path in self.folder(kind).glob(".half-*"):
            if not _is_alive(path.name.split("-")[1]):
                remove(path)


def _is_alive(pid: str) -> bool:
    return pid.isdigit() and Path(f"/proc/{pid}").exists()


def _try_lock(descriptor: int) -> bool:
    try:
        fcntl.flock(descriptor, fcntl.LOCK_EX | fcntl.LOCK_NB)
    except BlockingIOError:
        return False
    return True


def remove(path: Path) -> None:
    """Removes a file or a tree, read-only folders in it included; never follows a symlink. Absent is fine."""
    if path.is_symlink() or path.is_file():
        path.unlink()
        return
    for folder, _, _ in os.walk(path):
        Path(folder).chmod(0o700)
    shutil.rmtree(path, ignore_errors=True)


def make_read_only(root: Path) -> None:
    """Takes write and set-id bits from every file and folder under `root`; symlinks are left alone."""
    for folder, _, names in os.walk(root, topdown=False):
        for name in names:
            path = Path(folder, name)
            mode = path.lstat().st_mode
            if stat.S_ISREG(mode):
                path.chmod(0o555 if mode & 0o100 else 0o444)
        Path(folder).chmod(0o555)
