"""SQLite: one file in a folder that several processors have bound, and no server.

Its folder is written by strangers, so the harness does not open the file itself: a keeper inside a sandbox of its own does (see
`_sqlite_keeper.py`). Time is each processor's own clock. What only a server can do or suffer raises NotApplicable.
"""

from __future__ import annotations

import contextlib
import json
import os
import select
import shutil
import subprocess
import tempfile
import time
from pathlib import Path
from typing import Any, ClassVar, NoReturn

from harness.candidate.cache import remove
from harness.errors import InfraError, NotApplicable
from harness.paths import scratch_prefix
from harness.runtime import tree
from harness.runtime.leftovers import MEMORY
from harness.runtime.sandbox import Launch, Limits, Mount, Spawned, choose
from harness.runtime.stores._base import Store, StoreBusy

KEEPER = Path(__file__).with_name("_sqlite_keeper.py")
FILE_NAME = "alerts.db"
INSIDE = "/store"
ANSWER_PATIENCE_S = 8.0
MAX_ANSWER_BYTES = 1 << 16
MOST_BYTES = 256 << 20
MOST_FILES = 1000


def fast_place() -> Path | None:
    """A folder in memory with room for a store, where syncing costs nothing; None for want of one."""
    try:
        free_bytes = shutil.disk_usage(MEMORY).free
    except OSError:
        return None
    return MEMORY if free_bytes >= 2 * MOST_BYTES and os.access(MEMORY, os.W_OK | os.X_OK) else None


class SqliteStore(Store):
    """See the module, and `Store`. `data` is the folder to be bound; `sandbox` is where the keeper runs.

    Durable: the file lies on a disk. Else it lies in memory where that can be had, as a server's settings are fast then.
    """

    kind = "sqlite"
    has_server: ClassVar[bool] = False
    most_bytes = MOST_BYTES

    def __init__(self, *, durable: bool = False, sandbox: str = "auto") -> None:
        # Nothing of a server's: no socket, no user of its own, no clock.
        self.durable = durable
        place = None if durable else fast_place()
        self.folder = Path(tempfile.mkdtemp(prefix=scratch_prefix("store"), dir=place)).resolve()
        self.folder.chmod(0o755)
        self.data = self.folder / "d"
        self.data.mkdir()
        self.clock = None
        self._popen = None
        self._sandbox = sandbox
        self._keeper: Spawned | None = None
        self._releases = 0
        self._waiting: dict[int, int] = {}

    @classmethod
    def unavailable(cls) -> str | None:
        """See `Store`: the library comes with the candidate."""
        return None

    @classmethod
    def program(cls) -> tuple[Path, str] | None:
        """See `Store`: there is none."""
        return None

    @property
    def file(self) -> Path:
        """The database."""
        return self.data / FILE_NAME

    def url(self, folder: str) -> str:
        """See `Store`."""
        return f"sqlite:///{folder}/{FILE_NAME}"

    # -- what has no meaning without a server ------------------------------------------------------------------------------------

    def _no_server(self, what: str) -> NoReturn:
        raise NotApplicable(f"not applicable to SQLite, which has no server: {what}")

    @property
    def socket(self) -> Path:
        """See `Store`."""
        self._no_server("there is no socket")

    @property
    def pid(self) -> int:
        """See `Store`."""
        self._no_server("there is no process of the store's")

    def _argv(self) -> list[str]:
        self._no_server("there is no program to be started")

    def _ready(self) -> bool:
        return True

    def wall_ms(self) -> float:
        """See `Store`."""
        self._no_server("the time is that of each processor's own clock")

    def set_offset_ns(self, offset_ns: int) -> None:
        """See `Store`."""
        self._no_server("there is no clock of the store's to be moved")

    def pause(self) -> tree.Proof:
        """See `Store`."""
        self._no_server("the store cannot be stopped")

    def resume(self) -> tree.Proof:
        """See `Store`."""
        self._no_server("the store cannot be stopped")

    def kill(self) -> tree.Proof:
        """See `Store`."""
        self._no_server("the store cannot be killed")

    def restart(self, *, orderly: bool = False) -> None:
        """See `Store`."""
        self._no_server("the store cannot be restarted")

    # -- life --------------------------------------------------------------------------------------------------------------------

    def start(self) -> None:
        """See `Store`: the file is made by the first who opens it."""
        return

    def running(self) -> bool:
        """See `Store`: as long as its folder is there."""
        return self.data.exists()

    def stop(self) -> int | None:
        """See `Store`."""
        return None

    def log_tail(self) -> str:
        """See `Store`."""
        return "there is no log"

    def close(self) -> None:
        """See `Store`."""
        self._end_keeper()
        remove(self.folder)

    def size_bytes(self) -> int:
        """What lies in the folder, in bytes, nothing followed; more than `most_bytes` where there are too many files."""
        total = number = 0
        for folder, folders, files in os.walk(self.data):
            number += len(folders) + len(files)
            if number > MOST_FILES:
                return self.most_bytes + 1
            for name in files:
                with contextlib.suppress(OSError):
                    total += (Path(folder) / name).lstat().st_size
        return total

    def wipe(self) -> None:
        """Removes the file and all beside it. Whoever has it open keeps what is gone: for when nobody has."""
        self._end_keeper()
        remove(self.data)
        self.data.mkdir(exist_ok=True)

    # -- locks, as the operation proxies tell ------------------------------------------------------------------------------------

    def lock_refused(self, backend: int) -> None:
        """That one of the processes waits for a lock."""
        self._waiting[backend] = self._releases

    def lock_taken(self, backend: int) -> None:
        """It waits no longer."""
        self._waiting.pop(backend, None)

    def lock_released(self) -> None:
        """Some lock was given back: whoever waits may get it at the next attempt."""
        self._releases += 1

    def blocked(self) -> frozenset[int]:
        """See `Store`: the numbers that the proxies gave; those to whom a lock was refused since one was last given back."""
        return frozenset(number for number, releases in self._waiting.items() if releases == self._releases)

    # -- the keeper --------------------------------------------------------------------------------------------------------------

    def empty(self) -> None:
        """See `Store`. A file that cannot be read counts as locked: it goes when nobody has it open any more."""
        self._asked("empty")

    def keep_what_is_there(self) -> None:
        """See `Store`."""
        self._asked("keep")

    def entries(self) -> int:
        """See `Store`: the rows of all tables that are not SQLite's own."""
        return int(self._asked("entries")["rows"])

    def holdings(self) -> dict[str, int]:
        """See `Store`: the rows of each table."""
        return {str(name): int(rows) for name, rows in self._asked("holdings")["tables"].items()}

    def connections(self) -> int:
        """See `Store`: how many times the file is open, in whichever process of this user's."""
        try:
            file = self.file.stat(follow_symlinks=False)
        except OSError:
            return 0
        return sum(_is_open_as(fd, file) for fd in Path("/proc").glob("[0-9]*/fd/*"))

    def _asked(self, what: str) -> dict[str, Any]:
        try:
            answer = self._answer(what)
        except (OSError, ValueError) as error:
            self._end_keeper()
            raise StoreBusy(f"the SQLite file cannot be used: {str(error)[:200]}") from error
        if "rows" not in answer:
            why = str(answer.get("busy", answer.get("broken", answer)))[:200]
            raise StoreBusy(f"the SQLite file cannot be used: {why}")
        return answer

    def _answer(self, what: str) -> dict[str, Any]:
        keeper = self._kept()
        stdin, stdout = keeper.popen.stdin, keeper.popen.stdout
        if stdin is None or stdout is None:
            raise InfraError("the keeper of the SQLite file was started without its pipes")
        stdin.write(json.dumps({"do": what}).encode() + b"\n")
        return dict(json.loads(_line(stdout.fileno())))

    def _kept(self) -> Spawned:
        if self._keeper is None:
            mounts = {
                "checkout": Mount(self.data, INSIDE, writable=True),
                "keeper": Mount(KEEPER, "/keeper.py"),
            }
            argv = ("python3", "-I", "-S", "{keeper}", f"{{checkout}}/{FILE_NAME}")
            limits = Limits(memory_bytes=256 << 20, pids=8, file_bytes=MOST_BYTES)
            self._keeper = choose(self._sandbox).spawn(Launch(argv, mounts, limits=limits))
        return self._keeper

    def _end_keeper(self) -> None:
        keeper, self._keeper = self._keeper, None
        if keeper is None:
            return
        tree.kill(keeper.root_pid)
        keeper.popen.kill()
        with contextlib.suppress(subprocess.TimeoutExpired):
            keeper.popen.wait(ANSWER_PATIENCE_S)
        for pipe in (keeper.popen.stdin, keeper.popen.stdout, keeper.popen.stderr):
            if pipe is not None:
                with contextlib.suppress(OSError):
                    pipe.close()
        if keeper.group is not None:
            keeper.group.close()
        keeper.cleanup()


def _is_open_as(fd: Path, file: os.stat_result) -> bool:
    try:
        found = fd.stat()
    except OSError:
        return False
    return (found.st_dev, found.st_ino) == (file.st_dev, file.st_ino)


def _line(fd: int) -> bytes:
    """One line. Raises OSError where none comes."""
    until, seen = time.monotonic() + ANSWER_PATIENCE_S, b""
    while not seen.endswith(b"\n"):
        left_s = until - time.monotonic()
        if left_s <= 0 or not select.select([fd], [], [], left_s)[0]:
            raise TimeoutError(f"no answer within {ANSWER_PATIENCE_S:g} s")
        chunk = os.read(fd, MAX_ANSWER_BYTES)
        if not chunk or len(seen) > MAX_ANSWER_BYTES:
            raise OSError("its keeper ended")
        seen += chunk
    return seen
