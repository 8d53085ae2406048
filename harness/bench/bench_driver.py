"""The process driver's round trip next to a bare pipe ping-pong with the same codec, against the same child."""

from __future__ import annotations

import os
import sys
import time
from pathlib import Path
from statistics import median
from typing import Any

import msgspec

from harness.runtime.process import Process
from harness.runtime.sandbox import Launch, Mount, choose

ROUNDS = 15
TRIPS = 4000
WARM_UP = 500
CEILING = 1.5

ECHO = """
import os
import msgspec
decode, encode = msgspec.json.Decoder().decode, msgspec.json.Encoder().encode
buffer = b""
while chunk := os.read(0, 1 << 16):
    buffer += chunk
    while b"\\n" in buffer:
        line, buffer = buffer.split(b"\\n", 1)
        message = decode(line)
        os.write(1, encode({"jsonrpc": "2.0", "id": message["id"], "result": {}}) + b"\\n")
"""


def bare(process: Process, trips: int) -> float:
    """Seconds per trip of one write and one read on the child's own pipes, encoding and decoding included."""
    fd_in, fd_out = process.pipe_fds
    encode, decode = msgspec.json.Encoder().encode, msgspec.json.Decoder().decode
    os.set_blocking(fd_out, True)
    started = time.perf_counter()
    for number in range(trips):
        os.write(fd_in, encode({"jsonrpc": "2.0", "id": number, "method": "tick", "params": {"now_ms": number}}) + b"\n")
        decode(os.read(fd_out, 1 << 16))
    spent = time.perf_counter() - started
    os.set_blocking(fd_out, False)
    return spent / trips


def driven(process: Process, trips: int) -> float:
    """Seconds per trip through `Process.request`."""
    started = time.perf_counter()
    for number in range(trips):
        process.request("tick", {}, now_ms=number)
    return (time.perf_counter() - started) / trips


def run() -> list[dict[str, Any]]:
    """One row: the driver's median round trip, and its ratio to the bare one over paired rounds."""
    launch = Launch((sys.executable, "-c", ECHO), {"checkout": Mount(Path("/"), "/")})
    with Process(choose("none").spawn(launch), None) as process:
        driven(process, WARM_UP)
        bare(process, WARM_UP)
        pairs = [(driven(process, TRIPS), bare(process, TRIPS)) for _ in range(ROUNDS)]
    ratio = median(mine / floor for mine, floor in pairs)
    return [
        {
            "name": "driver round trip",
            "value": median(mine for mine, _ in pairs) * 1e6,
            "unit": "us",
            "ratio_to": "bare pipe, same codec and child",
            "ratio": ratio,
            "target": f"<= {CEILING:g}",
            "ok": ratio <= CEILING,
        }
    ]
