"""What every store has: a folder and a clock page of its own, a server process that is our child, and its log."""

from __future__ import annotations

import contextlib
import ctypes
import os
import shutil
import signal
import subprocess
import tempfile
import time
from abc import ABC, abstractmethod
from collections.abc import Callable, Iterator
from pathlib import Path
from typing import ClassVar

from harness.errors import HarnessError, InfraError
from harness.paths import scratch_prefix
from harness.runtime import tree
from harness.runtime.clock import ClockPage, shim_path, shim_unavailable
from harness.runtime.leftovers import CLOCK_VARIABLE
from harness.runtime.stores._user import own, store_identity

START_PATIENCE_S = 30.0
STOP_PATIENCE_S = 15.0
LOOK_EVERY_S = 0.001
LOG_TAIL_BYTES = 2000
SOCKET_PATH_BYTES = 107
_PR_SET_PDEATHSIG = 1
_libc = ctypes.CDLL(None, use_errno=True)


class StoreBusy(HarnessError):
    """Somebody holds a lock that keeps the store from being emptied: `holders` are the servers' process numbers."""

    def __init__(self, message: str, *, holders: tuple[int, ...] = ()) -> None:
        super().__init__(message)
        self.holders = holders


class Store(ABC):
    """One server of our own. Not started by its constructor; `close` ends it and removes all that it left.

    Lies in a temporary folder that `harness clean` knows. Its wall clock follows `clock`, where a shim can be had.
    """

    kind: ClassVar[str]
    end_signal: ClassVar[signal.Signals] = signal.SIGKILL
    has_server: ClassVar[bool] = True
    usual_port: ClassVar[int] = 0

    def __init__(self, *, durable: bool = False) -> None:
        if (why_not := self.unavailable()) is not None:
            raise InfraError(f"the {self.kind} store cannot be started: {why_not}")
        self.durable = durable
        self.folder = Path(tempfile.mkdtemp(prefix=scratch_prefix("store")))
        self.folder.chmod(0o755)
        self.sockets = self.folder / "s"
        self.sockets.mkdir()
        own(self.sockets)
        self.clock: ClockPage | None = None
        self._log = self.folder / "server.log"
        self._popen: subprocess.Popen[bytes] | None = None
        self._shim = self._prepare_clock()
        if len(os.fsencode(self.socket)) > SOCKET_PATH_BYTES:
            shutil.rmtree(self.folder, ignore_errors=True)
            raise InfraError(
                f"{self.socket} is longer than the {SOCKET_PATH_BYTES} bytes of a socket's path: set TMPDIR to a shorter folder"
            )

    def _prepare_clock(self) -> dict[str, str]:
        if shim_unavailable() is not None:
            return {}
        # The cache may lie where the server's user cannot look, so it gets a copy of the shim.
        mine = self.folder / "clockshim.so"
        shutil.copy(shim_path(), mine)
        mine.chmod(0o755)
        self.clock = ClockPage(self.folder / "clock")
        return {"LD_PRELOAD": str(mine), CLOCK_VARIABLE: str(self.folder / "clock" / "offset")}

    # -- what a kind of store defines --------------------------------------------------------------------------------------------

    @classmethod
    @abstractmethod
    def unavailable(cls) -> str | None:
        """Why there is no such store here, or None."""

    @classmethod
    @abstractmethod
    def program(cls) -> tuple[Path, str] | None:
        """The server's program and whose it is, in words; None if there is none. Not every user may be able to run it."""

    @property
    @abstractmethod
    def socket(self) -> Path:
        """The unix socket of the server itself."""

    @property
    def socket_name(self) -> str:
        """The name that a client looks for in a folder."""
        return self.socket.name

    @abstractmethod
    def url(self, folder: str) -> str:
        """The URL for a candidate that finds a socket of the store's name in `folder`."""

    def tcp_url(self, port: int) -> str:
        """The URL for a candidate in front of whom the socket is forwarded to a port of its loopback."""
        raise InfraError(f"the {self.kind} store has no socket that could be forwarded to port {port}")

    @abstractmethod
    def _argv(self) -> list[str]: ...

    @abstractmethod
    def _ready(self) -> bool: ...

    @abstractmethod
    def wall_ms(self) -> float:
        """What the store itself says the time is, in epoch ms: the proof of an offset."""

    @abstractmethod
    def empty(self) -> None:
        """Removes all data and leaves tables and scripts. Raises StoreBusy if somebody holds a lock for ever."""

    def wipe(self) -> None:
        """As `empty`, by force: what a processor began in the store (a script, a sleep with a lock) may outlive it."""
        self.restart()
        self.empty()

    def keep_what_is_there(self) -> None:
        """What holds rows now (a migration's own list, say) is left alone by `empty`, and out of `entries`, from here on."""
        return

    @abstractmethod
    def entries(self) -> int:
        """How many rows or keys it holds, beside what is kept."""

    def holdings(self) -> dict[str, int]:
        """All that it holds now, in parts with a name each: whatever has expired, or was deleted, is not among it."""
        return {"entries": self.entries()}

    @abstractmethod
    def connections(self) -> int:
        """How many clients are connected, we ourselves left out."""

    def blocked(self) -> frozenset[int]:
        """Numbers of the server's own processes that wait for a lock now; empty for a store without locks."""
        return frozenset()

    @contextlib.contextmanager
    def writers_held(self) -> Iterator[None]:
        """Meanwhile who would write waits, as while an index is built, and who only looks goes on. Nothing in a store without such locks."""
        yield

    # -- life ------------------------------------------------------------------------------------------------------------------

    def start(self) -> None:
        """Starts the server and waits until it answers. Raises InfraError with the end of its log."""
        if self.running():
            return
        self._popen = self._spawn(self._argv(), self._shim)
        deadline = time.monotonic() + START_PATIENCE_S
        while not self._ready():
            status = self._popen.poll()
            if status is not None:
                raise InfraError(f"the {self.kind} store ended with status {status} as it started: {self.log_tail()}")
            if time.monotonic() > deadline:
                self.kill()
                raise InfraError(f"the {self.kind} store was not ready after {START_PATIENCE_S:g} s: {self.log_tail()}")
            time.sleep(LOOK_EVERY_S)

    def _spawn(self, argv: list[str], env: dict[str, str]) -> subprocess.Popen[bytes]:
        who = store_identity()
        with self._log.open("ab") as log:
            try:
                return subprocess.Popen(
                    argv,
                    stdin=subprocess.DEVNULL,
                    stdout=log,
                    stderr=log,
                    cwd=self.folder,
                    env={"PATH": "/usr/bin:/bin", "LC_ALL": "C", "TZ": "UTC", **env},
                    user=who.uid if who is not None else None,
                    group=who.gid if who is not None else None,
                    extra_groups=[] if who is not None else None,
                    start_new_session=True,
                    preexec_fn=_dies_with_us(self.end_signal),
                )
            except OSError as error:
                raise InfraError(f"the {self.kind} store's program {argv[0]} could not be started: {error}") from error

    @property
    def pid(self) -> int:
        """The server's first process. Raises InfraError if it was never started."""
        if self._popen is None:
            raise InfraError(f"the {self.kind} store was not started")
        return self._popen.pid

    def running(self) -> bool:
        """Whether the server runs; a dead one is reaped by the look."""
        return self._popen is not None and self._popen.poll() is None

    def stop(self) -> int | None:
        """An orderly end: what was acknowledged is on disk. The exit status, None if it was not running."""
        if self._popen is None or not self.running():
            return None
        self._forget_clients()
        self._popen.send_signal(self._stop_signal())
        try:
            return self._popen.wait(STOP_PATIENCE_S)
        except subprocess.TimeoutExpired:
            self.kill()
            raise InfraError(f"the {self.kind} store did not stop within {STOP_PATIENCE_S:g} s: {self.log_tail()}") from None

    def kill(self) -> tree.Proof:
        """SIGKILL to the server and all its processes, verified and reaped; its folder stays for a `start`."""
        self._forget_clients()
        proof = tree.kill(self.pid)
        if self._popen is not None:
            with contextlib.suppress(subprocess.TimeoutExpired):
                self._popen.wait(STOP_PATIENCE_S)
        return proof

    def restart(self, *, orderly: bool = False) -> None:
        """Ends the server (by SIGKILL, or in order) and starts it again on the same data."""
        if orderly:
            self.stop()
        elif self.running():
            self.kill()
        self.start()

    def pause(self) -> tree.Proof:
        """SIGSTOP to every process of the server, verified."""
        return tree.stop(self.pid)

    def resume(self) -> tree.Proof:
        """SIGCONT to every process of the server, verified."""
        return tree.cont(self.pid)

    def set_offset_ns(self, offset_ns: int) -> None:
        """From now on its wall clock reads the real time plus that. Raises InfraError where there is no shim."""
        if self.clock is None:
            raise InfraError(f"the {self.kind} store's clock cannot be moved: {shim_unavailable()}")
        self.clock.set_offset_ns(offset_ns)

    def log_tail(self) -> str:
        """The end of what the server wrote to its log."""
        try:
            with self._log.open("rb") as log:
                size = log.seek(0, os.SEEK_END)
                log.seek(max(size - LOG_TAIL_BYTES, 0))
                return log.read().decode("utf-8", "replace").strip() or "it logged nothing"
        except OSError:
            return "there is no log"

    def close(self) -> None:
        """Ends the server at once and removes its folder. May be called twice."""
        if self.running():
            self._end_at_once()
        self._forget_clients()
        self._sweep()
        if self.clock is not None:
            self.clock.close()
            self.clock = None
        shutil.rmtree(self.folder, ignore_errors=True)

    def __enter__(self) -> Store:
        return self

    def __exit__(self, *_: object) -> None:
        self.close()

    def _end_at_once(self) -> None:
        self.kill()

    def _stop_signal(self) -> signal.Signals:
        return signal.SIGTERM

    def _sweep(self) -> None:
        """Removes what the server leaves outside its folder."""
        return

    def _forget_clients(self) -> None:
        """Closes our own connections."""
        return


def _dies_with_us(end_signal: signal.Signals) -> Callable[[], None]:
    parent = os.getpid()

    def setup() -> None:
        _libc.prctl(_PR_SET_PDEATHSIG, end_signal)
        if os.getppid() != parent:  # it died before the line above: nobody would end this child
            os._exit(1)

    return setup
