"""The wall-clock shim: compiles it at first use, and owns the offset page of one process.

Sources: `clockshim.c` beside this file. Times: offsets in nanoseconds on disk, milliseconds in this interface.
"""

from __future__ import annotations

import contextlib
import hashlib
import os
import shutil
import struct
import subprocess
import time
from pathlib import Path

from harness.errors import InfraError
from harness.paths import cache_root

SOURCE = Path(__file__).with_name("clockshim.c")
COMPILE_TIMEOUT_S = 60
PAGE_BYTES = 8


def find_compiler() -> str | None:
    """The C compiler for the shim, or None."""
    return next((found for name in ("cc", "gcc", "clang") if (found := shutil.which(name))), None)


def shim_path() -> Path:
    """The compiled shim, built if need be. Raises InfraError without a compiler or if it does not compile."""
    key = hashlib.sha256(SOURCE.read_bytes() + os.uname().machine.encode()).hexdigest()[:16]
    target = cache_root() / "shim" / key / "clockshim.so"
    if not target.exists():
        _compile(target)
    return target


def _compile(target: Path) -> None:
    compiler = find_compiler()
    if compiler is None:
        raise InfraError("the clock shim needs a C compiler, and none of cc, gcc, clang is on PATH: install one")
    target.parent.mkdir(parents=True, exist_ok=True)
    part = target.with_suffix(f".{os.getpid()}.part")
    argv = [compiler, "-O2", "-shared", "-fPIC", "-o", str(part), str(SOURCE), "-ldl"]
    done = subprocess.run(argv, capture_output=True, text=True, timeout=COMPILE_TIMEOUT_S, check=False)
    if done.returncode != 0:
        raise InfraError(f"the clock shim did not compile with {compiler}: {done.stderr.strip()[-300:]}")
    part.replace(target)


def shim_unavailable() -> str | None:
    """Why no shim can be had here, or None if it can."""
    try:
        shim_path()
    except (InfraError, OSError, subprocess.SubprocessError) as error:
        return str(error)
    return None


class ClockPage:
    """The offset of one process's wall clock: a file that the shim inside the process maps read-only."""

    def __init__(self, folder: Path) -> None:
        folder.mkdir(parents=True, exist_ok=True)
        self.path = folder / "offset"
        self._fd = os.open(self.path, os.O_RDWR | os.O_CREAT | os.O_CLOEXEC, 0o644)
        self.offset_ns = 0
        self.set_offset_ns(0)

    def set_offset_ns(self, offset_ns: int) -> None:
        """Takes effect at the process's next read of its clock: one atomic 8-byte write."""
        os.pwrite(self._fd, struct.pack("=q", offset_ns), 0)
        self.offset_ns = offset_ns

    def set_wall_ms(self, wall_ms: float) -> None:
        """From now on the process's wall clock reads `wall_ms` (epoch), running on at real speed."""
        self.set_offset_ns(int(wall_ms * 1_000_000) - time.time_ns())

    def wall_ms(self) -> float:
        """What the process's wall clock reads now, in epoch milliseconds."""
        return (time.time_ns() + self.offset_ns) / 1e6

    def close(self) -> None:
        """Frees the descriptor; the file goes with its folder."""
        with contextlib.suppress(OSError):
            os.close(self._fd)
