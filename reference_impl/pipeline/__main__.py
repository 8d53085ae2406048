"""`python -m reference_impl.pipeline --config FILE [LOGS]`: run one process of the pipeline.

Exit status: 0 done, 1 a fault of ours, 2 wrong usage or configuration, 3 ended before every alert was delivered.
"""

import argparse
import os
import signal
import socket
import sys
import threading
from pathlib import Path
from typing import BinaryIO

from reference_impl.pipeline.build import build
from reference_impl.pipeline.journal import Journal
from reference_impl.pipeline.process import Process
from reference_impl.pipeline.settings import LOOPBACK, SettingsError, load
from reference_impl.pipeline.sources import LogServer, read_stream

DRAIN_S = 10.0


def _parser() -> argparse.ArgumentParser:
    parser = argparse.ArgumentParser(
        prog="pipeline", description="Logs in, pages out: one process. Several with one store page each anomaly once."
    )
    parser.add_argument("--config", type=Path, required=True, help="the configuration, a TOML file")
    parser.add_argument(
        "--node", default=socket.gethostname(), help="this process's name, its own for each (default: the host's)"
    )
    parser.add_argument("--check", action="store_true", help="read the configuration, look up its secrets, and do no more")
    parser.add_argument("--listen", metavar="ADDRESS", help="take logs by HTTP: a unix socket's path, or 127.0.0.1:PORT")
    parser.add_argument("logs", nargs="?", default="-", help="a file of JSON lines; - (the default) is stdin")
    return parser


def main(arguments: list[str] | None = None) -> int:
    """Run until the logs end or SIGTERM comes."""
    options = _parser().parse_args(arguments)
    try:
        settings = load(options.config)
        built = build(settings)
        if options.listen and options.logs != "-":
            raise SettingsError(f"--listen and {options.logs}: logs come from one source; leave out the other")
        address = _address(options.listen) if options.listen else None
        stream = _open(options.logs) if address is None else None
    except SettingsError as error:
        print(f"pipeline: {error}", file=sys.stderr)
        return 2
    if options.check:
        print(f"{options.config}: good; {len(settings.destination)} destinations, {len(settings.route)} routes")
        return 0
    journal = Journal(options.node, built.secrets)
    process = Process(settings, built, options.node, journal)
    try:
        process.try_store()
    except SettingsError as error:
        print(f"pipeline: {options.config}: {error}", file=sys.stderr)
        return 2
    return _run(process, journal, stream, address)


def _run(process: Process, journal: Journal, stream: BinaryIO | None, address: str | tuple[str, int] | None) -> int:
    stopped = threading.Event()
    for number in (signal.SIGTERM, signal.SIGINT):
        signal.signal(number, lambda *_: stopped.set())
    server = None
    if address is not None:
        try:
            server = LogServer(address, process.detection, process.health)
        except OSError as error:
            print(f"pipeline: --listen: no server at {address} ({error}): choose another address", file=sys.stderr)
            return 2
    threading.excepthook = lambda failure: _fail(journal, failure)
    process.start()
    if server is not None:
        threading.Thread(target=server.serve_forever, args=(0.1,), name="server", daemon=True).start()
    elif stream is not None:
        threading.Thread(target=_read, args=(stream, process, stopped), name="reader", daemon=True).start()
    journal.tell("ready")
    stopped.wait()
    if server is not None:
        server.shutdown()
        server.server_close()
    return 0 if process.finish(DRAIN_S) else 3


def _fail(journal: Journal, failure: threading.ExceptHookArgs) -> None:
    """A process without one of its threads would look alive and page nobody. Dead at once, it leaves its alerts to the others."""
    thread = failure.thread.name if failure.thread is not None else "a thread"
    journal.tell("failed", thread=thread, reason=f"{failure.exc_type.__name__}: {failure.exc_value}")
    os._exit(1)


def _read(stream: BinaryIO, process: Process, stopped: threading.Event) -> None:
    try:
        read_stream(stream, process.detection, stopped)
    finally:
        stopped.set()


def _open(name: str) -> BinaryIO:
    """Raises SettingsError."""
    if name == "-":
        return sys.stdin.buffer
    try:
        return open(name, "rb")
    except OSError as error:
        raise SettingsError(f"{name}: cannot be read ({error.strerror}); name a file of JSON lines, or - for stdin") from None


def _address(text: str) -> str | tuple[str, int]:
    """A path, or (host, port). Raises SettingsError for what is not on this machine alone."""
    if "/" in text:
        return os.path.abspath(text)
    host, colon, port = text.rpartition(":")
    host = host.strip("[]")
    if not colon or not port.isdecimal() or not 0 < int(port) < 65536 or host not in LOOPBACK:
        wanted = "a path with a / in it, or 127.0.0.1:PORT or [::1]:PORT"
        raise SettingsError(f"--listen: expected {wanted}, not {text!a:.80}; other hosts come through a proxy of yours")
    return host, int(port)


if __name__ == "__main__":
    sys.exit(main())
