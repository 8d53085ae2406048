"""The reference server from a line of bytes to a line of bytes, without the pipe, next to a bare decode."""

from collections.abc import Callable
from statistics import median

import msgspec
import numpy as np

from harness.bench.paired import Row, in_turns, row, speed_ratio
from reference_impl.anomaly_service import AnomalyService

SEED = 7
SERVICES = 8
BATCH_LOGS = 125
BATCHES = 800
BATCH_MS = 75
BEGIN_MS = 1_700_000_000_000


def make_line(batch: int, rng: np.random.Generator) -> bytes:
    """One ingest request of `BATCH_LOGS` logs within `BATCH_MS`, about 1,667 logs a second of stream."""
    begin_ms = BEGIN_MS + batch * BATCH_MS
    times = np.sort(rng.integers(begin_ms, begin_ms + BATCH_MS, BATCH_LOGS)).tolist()
    services = rng.integers(0, SERVICES, BATCH_LOGS).tolist()
    levels = np.where(rng.random(BATCH_LOGS) < 0.01, "error", "info").tolist()
    logs = [
        {"ts_ms": ts_ms, "service": f"service-{i}", "level": level, "message": "GET / took 12 ms"}
        for ts_ms, i, level in zip(times, services, levels, strict=True)
    ]
    params = {"now_ms": begin_ms + BATCH_MS, "logs": logs}
    return msgspec.json.encode({"jsonrpc": "2.0", "id": batch, "method": "ingest", "params": params})


def serving(lines: list[bytes]) -> Callable[[], object]:
    """Every line through a fresh service."""

    def work() -> int:
        service = AnomalyService()
        hello = {"protocol": 1, "challenge": "anomaly-detection", "now_ms": BEGIN_MS}
        service.handlers()["initialize"](hello)
        return sum(len(service.fast(line) or b"") for line in lines)

    return work


def run() -> list[Row]:
    """Logs a second inside the server, and its speed as a share of merely decoding the lines."""
    rng = np.random.default_rng(SEED)
    lines = [make_line(batch, rng) for batch in range(BATCHES)]
    decode = msgspec.json.Decoder().decode
    works = {"server": serving(lines), "decode": lambda: [decode(line) is None for line in lines]}
    times = in_turns(works, repeats=7)
    logs_s = BATCH_LOGS * BATCHES / median(times["server"])
    ratio = speed_ratio(times["server"], times["decode"])
    return [row("server, line to line", logs_s, "logs/s", "msgspec decode of the lines", ratio)]
