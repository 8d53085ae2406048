"""What a sandbox is asked for, and what it gives back."""

from __future__ import annotations

import subprocess
from collections.abc import Callable
from dataclasses import dataclass, field
from pathlib import Path
from typing import Protocol

MIB = 1024 * 1024


@dataclass(frozen=True, slots=True)
class Mount:
    """A host folder or file and where the process finds it. `inside` is absolute; ignored by the sandbox `none`."""

    host: Path
    inside: str
    writable: bool = False


@dataclass(frozen=True, slots=True)
class Limits:
    """Ceilings for one process and its children. Memory is resident bytes where a cgroup can be had, else address space."""

    memory_bytes: int = 2048 * MIB
    pids: int = 256
    open_files: int = 1024
    file_bytes: int = 512 * MIB
    tmp_bytes: int = 64 * MIB


@dataclass(frozen=True, slots=True)
class Launch:
    """One process to start. `argv`, `cwd` and `env` may hold `{name}`, replaced by the inside path of `mounts[name]`."""

    argv: tuple[str, ...]
    mounts: dict[str, Mount]
    cwd: str = "{checkout}"
    env: dict[str, str] = field(default_factory=dict)
    network: bool = False
    limits: Limits = field(default_factory=Limits)
    passthrough: tuple[Mount, ...] = ()


class Group(Protocol):
    """Resource accounting that a process joins before it executes anything."""

    def join(self) -> None:
        """Called in the child, before exec."""

    def killed_for(self) -> str:
        """'memory' or 'pids' if a limit was hit, else ''."""

    def pids(self) -> list[int]:
        """Every process in the group."""

    def close(self) -> None:
        """Ends what is left in the group and removes it."""


@dataclass(slots=True)
class Spawned:
    """A started process. `popen` is our own child; `root_pid` the candidate's first process as the host numbers it."""

    popen: subprocess.Popen[bytes]
    root_pid: int
    group: Group | None
    cleanup: Callable[[], None] = lambda: None


class Sandbox(Protocol):
    """`level` goes to the scorecard; `spawn` starts a process whose three standard streams are pipes."""

    @property
    def level(self) -> str:
        """The level in force, as the scorecard states it."""
        ...

    def spawn(self, launch: Launch) -> Spawned:
        """Starts it. Raises InfraError if the sandbox itself fails, CandidateDied if the command cannot be run."""
        ...

    def inside(self, mount: Mount) -> str:
        """The path at which the process finds the mount."""
        ...


def fill(text: str, paths: dict[str, str]) -> str:
    """`text` with each `{name}` of `paths` replaced; other braces stay as they are."""
    for name, path in paths.items():
        text = text.replace("{" + name + "}", path)
    return text
