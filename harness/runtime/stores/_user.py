"""Whom a store runs as: ourselves, or, where we are root, somebody who may do less. And what that user can reach."""

from __future__ import annotations

import functools
import os
import pwd
import shutil
import stat
from collections.abc import Iterable
from dataclasses import dataclass
from pathlib import Path

_NAMES = ("nobody", "daemon")


@dataclass(frozen=True, slots=True)
class Identity:
    """A user and a group by number. Postgres needs both to have a name on this machine."""

    uid: int
    gid: int


@functools.cache
def store_identity() -> Identity | None:
    """Whom a store must run as, None for ourselves. Root finds an unprivileged user; without one it is root's own number."""
    if os.geteuid() != 0:
        return None
    for name in _NAMES:
        try:
            entry = pwd.getpwnam(name)
        except KeyError:
            continue
        return Identity(entry.pw_uid, entry.pw_gid)
    return Identity(0, 0)


def no_user() -> str | None:
    """Why no store can run as an unprivileged user, or None."""
    who = store_identity()
    if who is not None and who.uid == 0:
        return f"a store does not run as root, and none of the users {', '.join(_NAMES)} exists here: add one"
    return None


def own(path: Path) -> None:
    """Gives a file or folder to the user of the stores."""
    who = store_identity()
    if who is not None:
        os.chown(path, who.uid, who.gid)


def reachable(path: Path) -> bool:
    """Whether the stores' user can go down to `path` and read (for a folder: enter) it."""
    who = store_identity()
    if who is None:
        return os.access(path, os.R_OK | os.X_OK if path.is_dir() else os.R_OK)
    try:
        real = path.resolve(strict=True)
        return all(_allows(folder.stat(), who, stat.S_IXOTH) for folder in real.parents) and _allows(
            real.stat(), who, stat.S_IROTH
        )
    except OSError:
        return False


def _allows(entry: os.stat_result, who: Identity, bit: int) -> bool:
    shift = 6 if entry.st_uid == who.uid else 3 if entry.st_gid == who.gid else 0
    return bool(entry.st_mode & (bit << shift))


def copy_public(sources: Iterable[tuple[Path, str]], target: Path) -> None:
    """Copies (file or folder, name below `target`) pairs so that every user can read and execute them."""
    for source, name in sources:
        place = target / name
        place.parent.mkdir(parents=True, exist_ok=True)
        if source.is_dir():
            shutil.copytree(source, place, symlinks=False, dirs_exist_ok=True)
        else:
            shutil.copy(source, place)
    for path in (target, *target.rglob("*")):
        executable = path.is_dir() or path.stat().st_mode & stat.S_IXUSR
        path.chmod(0o755 if executable else 0o644)
