"""Serving several requests of one process at once: threads take turns at reading lines and answer them side by side."""

import threading
from collections.abc import Callable
from typing import BinaryIO

from reference_impl.rpc import Handler, RpcError, answer, encode, read_line

EXIT_GRACE_S = 1.5
"""How long requests under way may still take once the end has come."""
_ALONE = (b'"initialize"', b'"reset"', b'"shutdown"')
"""A line with one of these words in it is answered before the next one is read: most likely it changes everything."""


class Crew:
    """`size` threads that answer lines from `stdin`, each whole line of reply handed to `write` (which must be thread-safe).

    Whoever has read a line lets the next thread read while it works, so a request that waits for something holds up no
    other, and one request at a time costs no handing over.
    """

    def __init__(self, handlers: dict[str, Handler], stdin: BinaryIO, write: Callable[[bytes], None], size: int) -> None:
        self._handlers = handlers
        self._stdin = stdin
        self._write = write
        self._reading = threading.Lock()
        self._over = False
        self._ended = threading.Event()
        self._failure: Exception | None = None
        self._threads = [threading.Thread(target=self._work, name=f"crew-{i}", daemon=True) for i in range(size)]

    def run(self) -> None:
        """Serve until stdin ends or a handler raises Shutdown, then wait a little for what is still under way.

        Raises what ended a thread, such as BrokenPipeError; a thread may then still be reading from `stdin`, so leave that
        open.
        """
        for thread in self._threads:
            thread.start()
        self._ended.wait()
        for thread in self._threads:
            thread.join(0 if self._failure else EXIT_GRACE_S / len(self._threads))
        if self._failure is not None:
            raise self._failure

    def _work(self) -> None:
        try:
            while self._turn():
                pass
        except Exception as error:  # noqa: BLE001 - whatever it is, it is raised again by `run`
            self._failure = error
        self._over = True
        self._ended.set()

    def _turn(self) -> bool:
        """Read and answer one line; false when there will be no more."""
        with self._reading:
            if self._over:
                return False
            try:
                line = read_line(self._stdin)
            except RpcError as error:
                problem = {"code": error.code, "message": str(error)}
                self._write(encode({"jsonrpc": "2.0", "id": None, "error": problem}))
                return True
            if line is None:
                self._over = True
                return False
            if any(word in line for word in _ALONE):
                self._over = not self._answer(line)
                return not self._over
        self._answer(line)
        return True

    def _answer(self, line: bytes) -> bool:
        if not line.strip():
            return True
        reply, going_on = answer(line, self._handlers)
        if reply:
            self._write(reply)
        return going_on
