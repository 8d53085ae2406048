"""Lines to and from one child over three pipes, with deadlines and ceilings; stderr is drained while waiting.

Blocking style over `poll`: one write, one wait, one read in the usual case, which keeps a round trip near a bare pipe's.
"""

from __future__ import annotations

import contextlib
import fcntl
import os
import select
import subprocess
import time
from collections import deque

from harness.errors import HarnessError

MAX_LINE_BYTES = 16 * 1024 * 1024
STDERR_TAIL_BYTES = 64 * 1024
PIPE_BYTES = 1024 * 1024
_SHOWN_BYTES = 240
_CHUNK = 1 << 18
_POLL_GONE = select.POLLHUP | select.POLLERR | select.POLLNVAL


class Closed(HarnessError):
    """The child closed its stdout, or no longer takes input."""


class TimedOut(HarnessError):
    """The deadline passed without a complete line."""


class Flooded(HarnessError):
    """The child sent more than the ceiling without ending its line."""


class Channel:
    """Owns the pipes of a child. Lines are bytes without their newline; times are seconds of the monotonic clock."""

    def __init__(self, popen: subprocess.Popen[bytes]) -> None:
        if popen.stdin is None or popen.stdout is None or popen.stderr is None:
            raise ValueError("the child was started without all three pipes")
        self._popen = popen
        self.stdin_fd = popen.stdin.fileno()
        self.stdout_fd = popen.stdout.fileno()
        self.stderr_fd = popen.stderr.fileno()
        for fd in (self.stdin_fd, self.stdout_fd, self.stderr_fd):
            os.set_blocking(fd, False)
            with contextlib.suppress(OSError):
                fcntl.fcntl(fd, fcntl.F_SETPIPE_SZ, PIPE_BYTES)
        self._poll = select.poll()
        self._poll.register(self.stdout_fd, select.POLLIN)
        self._poll.register(self.stderr_fd, select.POLLIN)
        self._buffer = bytearray()
        self._lines: deque[bytes] = deque()
        self._stderr = bytearray()
        self._stdin_open = self._stderr_open = True
        self.at_eof = False

    def exchange(self, data: bytes, deadline: float, timeout_s: float) -> bytes:
        """One line out, the next line in: as `write` and `read_line`, with the usual case (one write, one wait, one read) in line."""
        if self._lines or self._buffer or self.at_eof:
            self.write(data, deadline)
            return self.read_line(deadline)
        try:
            sent = os.write(self.stdin_fd, data)
        except OSError:
            sent = 0
        if sent != len(data):
            self.write(data[sent:], deadline)
            return self.read_line(deadline)
        ready = self._poll.poll(timeout_s * 1000)
        if len(ready) != 1 or ready[0][0] != self.stdout_fd:
            return self.read_line(deadline)
        chunk = os.read(self.stdout_fd, _CHUNK)
        if chunk.find(b"\n") == len(chunk) - 1 and chunk:
            return chunk[:-1]
        self._take(chunk)
        return self.read_line(deadline)

    def write(self, data: bytes, deadline: float) -> None:
        """Puts `data` on the child's stdin. Raises Closed or TimedOut; reads meanwhile, so that neither side can wedge."""
        view = memoryview(data)
        while view:
            try:
                view = view[os.write(self.stdin_fd, view) :]
            except BlockingIOError:
                self._wait_writable(deadline)
            except (BrokenPipeError, OSError) as error:
                raise Closed("it no longer reads its stdin") from error

    def _wait_writable(self, deadline: float) -> None:
        left = deadline - time.monotonic()
        if left <= 0:
            raise TimedOut("it does not read its stdin")
        self._poll.register(self.stdin_fd, select.POLLOUT)
        try:
            self._pump(left)
        finally:
            self._poll.unregister(self.stdin_fd)

    def read_line(self, deadline: float) -> bytes:
        """The next complete line. Raises Closed, TimedOut or Flooded."""
        while not self._lines:
            if self.at_eof:
                raise Closed("it closed its stdout")
            left = deadline - time.monotonic()
            if left <= 0:
                raise TimedOut("no complete line came")
            self._pump(left)
        return self._lines.popleft()

    def pump(self, timeout_s: float = 0.0) -> None:
        """Takes in whatever the child has written, waiting at most `timeout_s` for the first byte."""
        if not self.at_eof:
            self._pump(timeout_s)

    def _pump(self, timeout_s: float) -> None:
        for fd, events in self._poll.poll(max(timeout_s * 1000, 0)):
            if fd == self.stdout_fd:
                self._read_stdout()
            elif fd == self.stderr_fd:
                self._read_stderr()
            elif events & _POLL_GONE:
                raise Closed("it closed its stdin")

    def _read_stdout(self) -> None:
        try:
            chunk = os.read(self.stdout_fd, _CHUNK)
        except BlockingIOError:
            return
        self._take(chunk)

    def _take(self, chunk: bytes) -> None:
        if not chunk:
            self.at_eof = True
            self._poll.unregister(self.stdout_fd)
            return
        if not self._buffer and chunk.endswith(b"\n") and chunk.count(b"\n") == 1:
            self._lines.append(chunk[:-1])
            return
        self._buffer += chunk
        *complete, rest = self._buffer.split(b"\n") if b"\n" in chunk else (self._buffer,)
        self._lines.extend(bytes(line) for line in complete)
        self._buffer = bytearray(rest)
        longest = max((self._buffer, *complete), key=len)
        if len(longest) > MAX_LINE_BYTES:
            begins = bytes(longest[:_SHOWN_BYTES]).decode(errors="replace")
            raise Flooded(
                f"more than {MAX_LINE_BYTES // 2**20} MiB came without the end of a line, which begins with {begins!r}"
            )

    def _read_stderr(self) -> None:
        try:
            chunk = os.read(self.stderr_fd, _CHUNK)
        except BlockingIOError:
            return
        if not chunk:
            self._stderr_open = False
            self._poll.unregister(self.stderr_fd)
            return
        self._stderr += chunk
        del self._stderr[: max(len(self._stderr) - STDERR_TAIL_BYTES, 0)]

    @property
    def partial(self) -> bytes:
        """What came after the last newline: an answer without its end, if the child is waiting now."""
        return bytes(self._buffer)

    # -- for an event loop, which knows when a pipe is ready --------------------------------------------------------------------

    def try_write(self, data: bytes | memoryview) -> int:
        """Puts as much on the child's stdin as goes without waiting; how many bytes. Raises Closed."""
        try:
            return os.write(self.stdin_fd, data)
        except BlockingIOError:
            return 0
        except OSError as error:
            raise Closed("it no longer reads its stdin") from error

    def take_stdout(self) -> None:
        """One read of the child's stdout, which is ready. Raises Flooded."""
        if not self.at_eof:
            self._read_stdout()

    def take_stderr(self) -> bool:
        """One read of the child's stderr, which is ready; False once it has ended."""
        if self._stderr_open:
            self._read_stderr()
        return self._stderr_open

    def take_lines(self) -> list[bytes]:
        """Every complete line that was read and not handed out."""
        lines = list(self._lines)
        self._lines.clear()
        return lines

    def has_line(self) -> bool:
        """Whether a complete line waits to be read."""
        return bool(self._lines)

    def drain(self, timeout_s: float) -> None:
        """Reads until the child's stdout ends or the time is up."""
        deadline = time.monotonic() + timeout_s
        while not self.at_eof and (left := deadline - time.monotonic()) > 0:
            self._pump(left)
        self._drain_stderr()

    def _drain_stderr(self) -> None:
        for _ in range(64):
            before = bytes(self._stderr[-64:]), len(self._stderr)
            with contextlib.suppress(OSError, KeyError):
                self._read_stderr()
            if (bytes(self._stderr[-64:]), len(self._stderr)) == before:
                return

    def stderr_tail(self, limit: int = 2000) -> str:
        """The last of what the child wrote to stderr."""
        return bytes(self._stderr[-limit:]).decode("utf-8", "replace")

    def close_stdin(self) -> None:
        """Ends the child's input."""
        if self._stdin_open and self._popen.stdin is not None:
            self._stdin_open = False
            with contextlib.suppress(OSError):
                self._popen.stdin.close()

    def close(self) -> None:
        """Frees the pipes."""
        self.close_stdin()
        for stream in (self._popen.stdout, self._popen.stderr):
            if stream is not None:
                with contextlib.suppress(OSError):
                    stream.close()
