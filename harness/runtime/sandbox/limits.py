"""Resource limits of one process: a cgroup where one is writable, rlimits everywhere."""

from __future__ import annotations

import contextlib
import functools
import os
import resource
import signal
import time
import uuid
from pathlib import Path

from harness.paths import scratch_prefix
from harness.runtime.sandbox._base import Limits

CGROUP = Path("/sys/fs/cgroup")
REMOVE_PATIENCE_S = 2.0
REMOVE_STEP_S = 0.005


@functools.cache
def cgroup_kind() -> str:
    """'v1', 'v2', or '' where no cgroup can be made."""
    for kind, parents in (("v1", [CGROUP / "memory", CGROUP / "pids"]), ("v2", [CGROUP])):
        if all(_usable(parent, kind) for parent in parents):
            return kind
    return ""


def _usable(parent: Path, kind: str) -> bool:
    probe = parent / (scratch_prefix("group") + uuid.uuid4().hex[:12])
    wanted = {"memory": "memory.limit_in_bytes", "pids": "pids.max"}.get(parent.name, "memory.max")
    try:
        probe.mkdir()
    except OSError:
        return False
    try:
        return (probe / wanted).exists() and (kind == "v1" or (probe / "pids.max").exists())
    finally:
        probe.rmdir()


class CgroupGroup:
    """A memory and pids cgroup of one process tree (v1 or v2)."""

    def __init__(self, limits: Limits) -> None:
        name = scratch_prefix("group") + uuid.uuid4().hex[:12]
        v1 = cgroup_kind() == "v1"
        self.folders = [CGROUP / "memory" / name, CGROUP / "pids" / name] if v1 else [CGROUP / name]
        for folder in self.folders:
            folder.mkdir()
        self._write("memory.limit_in_bytes" if v1 else "memory.max", limits.memory_bytes)
        self._write("pids.max", limits.pids)
        with contextlib.suppress(OSError):
            self._write("memory.swap.max", 0)

    def _write(self, name: str, value: int) -> None:
        for folder in self.folders:
            if (folder / name).exists():
                (folder / name).write_text(str(value))

    def join(self) -> None:
        """Called in the child, before exec: plain system calls only."""
        for folder in self.folders:
            fd = os.open(folder / "cgroup.procs", os.O_WRONLY)
            os.write(fd, b"0")
            os.close(fd)

    def pids(self) -> list[int]:
        """Every process in the group."""
        return _members(self.folders[0])

    def killed_for(self) -> str:
        """'memory' or 'pids' if a limit was hit, else ''."""
        for name, key, what in (
            ("memory.oom_control", "oom_kill ", "memory"),
            ("memory.events", "oom_kill ", "memory"),
            ("pids.events", "max ", "pids"),
        ):
            for folder in self.folders:
                if _counter(folder / name, key) > 0:
                    return what
        return ""

    def close(self) -> None:
        """Kills what is left, then removes the folders."""
        for folder in self.folders:
            end_group(folder)


def end_group(folder: Path) -> bool:
    """Kills every process in a cgroup and removes its folder; False if it does not go within the patience."""
    deadline = time.monotonic() + REMOVE_PATIENCE_S
    while folder.exists() and time.monotonic() < deadline:
        for pid in _members(folder):
            with contextlib.suppress(ProcessLookupError, PermissionError):
                os.kill(pid, signal.SIGKILL)
        try:
            folder.rmdir()
        except OSError:
            time.sleep(REMOVE_STEP_S)
    return not folder.exists()


def _members(folder: Path) -> list[int]:
    try:
        return [int(line) for line in (folder / "cgroup.procs").read_text().split()]
    except OSError:
        return []


def _counter(path: Path, key: str) -> int:
    try:
        lines = path.read_text().splitlines()
    except OSError:
        return 0
    return sum(int(line[len(key) :]) for line in lines if line.startswith(key))


def make_group(limits: Limits) -> CgroupGroup | None:
    """A cgroup with these limits, or None where none can be made."""
    return CgroupGroup(limits) if cgroup_kind() else None


def apply_rlimits(limits: Limits, *, in_cgroup: bool) -> None:
    """In the child, before exec. Without a cgroup the address space stands in for memory, and NPROC for pids (not for root)."""
    _lower(resource.RLIMIT_CORE, 0)
    _lower(resource.RLIMIT_NOFILE, limits.open_files)
    _lower(resource.RLIMIT_FSIZE, limits.file_bytes)
    if not in_cgroup:
        _lower(resource.RLIMIT_AS, max(limits.memory_bytes * 2, 4 << 30))
        _lower(resource.RLIMIT_NPROC, limits.pids + 512)


def _lower(which: int, wanted: int) -> None:
    _, hard = resource.getrlimit(which)
    ceiling = wanted if hard == resource.RLIM_INFINITY else min(wanted, hard)
    resource.setrlimit(which, (ceiling, ceiling))


def our_groups() -> list[Path]:
    """Every cgroup folder whose name is one of ours."""
    parents = (CGROUP, CGROUP / "memory", CGROUP / "pids")
    return [path for parent in parents for path in parent.glob("harness-group-*")]
