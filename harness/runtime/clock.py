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
WORD_BYTES = 8
HOLD_NS = 2_000_000_000


def find_compiler() -> str | None:
    """The C compiler for the shim, or None."""
    return next((found for name in ("cc", "gcc", "clang") if (found := shutil.which(name))), None)


def shim_path(source: Path = SOURCE) -> Path:
    """That shim, compiled, in a folder of its own. Raises InfraError without a compiler or if it does not compile."""
    key = hashlib.sha256(source.read_bytes() + os.uname().machine.encode()).hexdigest()[:16]
    target = cache_root() / "shim" / key / f"{source.stem}.so"
    if not target.exists():
        _compile(source, target)
    return target


def _compile(source: Path, target: Path) -> None:
    name = source.stem.removesuffix("shim")
    compiler = find_compiler()
    if compiler is None:
        raise InfraError(f"the {name} shim needs a C compiler, and none of cc, gcc, clang is on PATH: install one")
    target.parent.mkdir(parents=True, exist_ok=True)
    part = target.with_suffix(f".{os.getpid()}.part")
    argv = [compiler, "-O2", "-shared", "-fPIC", "-o", str(part), str(source), "-ldl", "-lpthread"]
    done = subprocess.run(argv, capture_output=True, text=True, timeout=COMPILE_TIMEOUT_S, check=False)
    if done.returncode != 0:
        raise InfraError(f"the {name} shim did not compile with {compiler}: {done.stderr.strip()[-300:]}")
    part.replace(target)


def shim_unavailable(source: Path = SOURCE) -> str | None:
    """Why that shim cannot be had here, or None if it can."""
    try:
        shim_path(source)
    except (InfraError, OSError, subprocess.SubprocessError) as error:
        return str(error)
    return None


class ClockPage:
    """The wall clock of one process: a file that the shim inside the process maps read-only.

    Either the real time plus an offset, or held at a moment (see `clockshim.c` for the two words and why).
    """

    def __init__(self, folder: Path) -> None:
        folder.mkdir(parents=True, exist_ok=True)
        self._fd = os.open(folder / "offset", os.O_RDWR | os.O_CREAT | os.O_CLOEXEC, 0o644)
        self._held = False
        self._ns = 0
        self._stored_ns = 0
        self.set_offset_ns(0)

    def set_offset_ns(self, offset_ns: int) -> None:
        """From now on the process reads the real time plus `offset_ns`."""
        self._store(offset_ns, held=False)

    def hold_ms(self, wall_ms: float) -> None:
        """From now on the process reads `wall_ms` (epoch) until the next store, or for 2 s, then on at real speed."""
        self._store(int(wall_ms * 1_000_000), held=True)

    def _store(self, value_ns: int, *, held: bool) -> None:
        self._held, self._ns, self._stored_ns = held, value_ns, time.monotonic_ns()
        # The moment first: read between the two stores, a held clock is then at worst still the old one.
        os.pwrite(self._fd, struct.pack("=q", self._stored_ns), WORD_BYTES)
        os.pwrite(self._fd, struct.pack("=q", (value_ns << 1) | held), 0)

    def wall_ms(self) -> float:
        """What the process's wall clock reads now, in epoch milliseconds."""
        if not self._held:
            return (time.time_ns() + self._ns) / 1e6
        return (self._ns + max(time.monotonic_ns() - self._stored_ns - HOLD_NS, 0)) / 1e6

    def holds(self) -> bool:
        """Whether every read since the last store has given the same moment: it is held, and the hold has not run out."""
        return self._held and time.monotonic_ns() - self._stored_ns <= HOLD_NS

    def close(self) -> None:
        """Frees the descriptor; the file goes with its folder."""
        with contextlib.suppress(OSError):
            os.close(self._fd)
