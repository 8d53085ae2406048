"""A port on the loopback of a sandbox, in front of a unix socket: `tcp_forward.py SOCKET PORT [-- COMMAND...]`.

For drivers that cannot use a unix socket. It stands alone, needs nothing but Python, and has no rights that the candidate lacks.
With a command it listens, leaves the forwarding to a process of its own, and becomes the command, whose streams it never touches.
Without one it prints the port and forwards until it is ended.
"""

from __future__ import annotations

import os
import selectors
import shutil
import socket
import sys

CHUNK = 65536
HIGH_WATER_BYTES = 1 << 20
BACKLOG = 256


class Half:
    """One direction: what was read from `source` and is still to be written to `target`."""

    def __init__(self, source: socket.socket, target: socket.socket) -> None:
        self.source, self.target = source, target
        self.waiting = bytearray()
        self.ended = False

    def read(self) -> None:
        """Takes in what is there."""
        data = _received(self.source)
        if data == b"":
            self.ended = True
        elif data is not None:
            self.waiting += data
            self.write()

    def write(self) -> None:
        """Gives out what is taken. Raises OSError where the other end is gone."""
        if self.waiting:
            try:
                del self.waiting[: self.target.send(self.waiting)]
            except BlockingIOError:
                return


def _received(sock: socket.socket) -> bytes | None:
    try:
        return sock.recv(CHUNK)
    except BlockingIOError:
        return None
    except OSError:
        return b""


class Pair:
    """One connection: two sockets, and the two directions between them."""

    def __init__(self, client: socket.socket, server: socket.socket) -> None:
        client.setsockopt(socket.IPPROTO_TCP, socket.TCP_NODELAY, 1)
        for sock in (client, server):
            sock.setblocking(False)
        self.client, self.server = client, server
        self.out, self.back = Half(client, server), Half(server, client)

    def events(self, sock: socket.socket) -> int:
        """What that socket is to be asked about now."""
        into, outof = (self.out, self.back) if sock is self.client else (self.back, self.out)
        reads = selectors.EVENT_READ if not into.ended and len(into.waiting) < HIGH_WATER_BYTES else 0
        return reads | (selectors.EVENT_WRITE if outof.waiting else 0)

    def turn(self, sock: socket.socket, events: int) -> bool:
        """Moves what can be moved; False when the connection is over."""
        into, outof = (self.out, self.back) if sock is self.client else (self.back, self.out)
        try:
            if events & selectors.EVENT_READ:
                into.read()
            if events & selectors.EVENT_WRITE:
                outof.write()
        except OSError:
            return False
        # An end that is closed is closed on both sides: no driver of a store says goodbye and goes on listening.
        return not any(half.ended and not half.waiting for half in (self.out, self.back))


class Forwarder:
    """All connections of one listener."""

    def __init__(self, listener: socket.socket, path: str) -> None:
        self._listener, self._path = listener, path
        self._selector = selectors.DefaultSelector()
        self._pairs: dict[int, Pair] = {}
        listener.setblocking(False)
        self._selector.register(listener, selectors.EVENT_READ)

    def run(self) -> None:
        """For ever."""
        while True:
            for key, events in self._selector.select():
                if key.fileobj is self._listener:
                    self._accept()
                elif (pair := self._pairs.get(key.fd)) is not None:
                    self._turn(pair, key.fileobj, events)

    def _accept(self) -> None:
        try:
            client, _address = self._listener.accept()
        except OSError:
            return
        server = socket.socket(socket.AF_UNIX, socket.SOCK_STREAM)
        try:
            server.connect(self._path)
            pair = Pair(client, server)
        except OSError:
            client.close()
            server.close()
            return
        for sock in (client, server):
            self._pairs[sock.fileno()] = pair
            self._watch(pair, sock)

    def _watch(self, pair: Pair, sock: socket.socket) -> None:
        events = pair.events(sock)
        known = sock.fileno() in self._selector.get_map()
        if events and known:
            self._selector.modify(sock, events)
        elif events:
            self._selector.register(sock, events)
        elif known:
            self._selector.unregister(sock)

    def _turn(self, pair: Pair, sock: object, events: int) -> None:
        side = pair.client if sock is pair.client else pair.server
        alive = pair.turn(side, events)
        for one in (pair.client, pair.server):
            if alive:
                self._watch(pair, one)
            else:
                self._drop(one)

    def _drop(self, sock: socket.socket) -> None:
        del self._pairs[sock.fileno()]
        if sock.fileno() in self._selector.get_map():
            self._selector.unregister(sock)
        sock.close()


def _leave_to_child(listener: socket.socket, path: str) -> None:
    """The forwarding goes to a grandchild, which is nobody's child to wait for."""
    if os.fork():
        os.wait()
        return
    if os.fork():
        os._exit(0)
    nowhere = os.open(os.devnull, os.O_RDWR)
    for fd in range(3):  # held open, the candidate's streams would never end
        os.dup2(nowhere, fd)
    try:
        Forwarder(listener, path).run()
    finally:
        os._exit(1)


def main(argv: list[str]) -> None:
    """See the module."""
    path, port, command = argv[0], int(argv[1]), argv[3:]
    listener = socket.socket(socket.AF_INET, socket.SOCK_STREAM)
    listener.setsockopt(socket.SOL_SOCKET, socket.SO_REUSEADDR, 1)
    listener.bind(("127.0.0.1", port))
    listener.listen(BACKLOG)
    if not command:
        sys.stdout.write(f"{listener.getsockname()[1]}\n")
        sys.stdout.flush()
        Forwarder(listener, path).run()
    if shutil.which(command[0]) is None:  # before anything is left running that would wait for it
        sys.stderr.write(f"the command {command[0]!r} could not be started: there is no such program\n")
        sys.exit(127)
    _leave_to_child(listener, path)
    listener.close()
    try:
        os.execvp(command[0], command)
    except OSError as error:
        sys.stderr.write(f"the command {command[0]!r} could not be started: {error.strerror}\n")
        sys.exit(127)


if __name__ == "__main__":
    main(sys.argv[1:])
