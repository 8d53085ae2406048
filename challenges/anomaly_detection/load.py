"""Single logs at a rate, in real time: the stream that the latency suites send, and the programs that they set beside the candidate.

The stream's time goes on only while it is sent, at the pace of the real clock; the candidate's wall clock goes with it.
"""

from __future__ import annotations

import time
from collections.abc import Sequence
from contextlib import ExitStack
from typing import Any

import numpy as np

from challenges.anomaly_detection.alerts import read_declared
from challenges.anomaly_detection.playback import log_json
from challenges.anomaly_detection.scenarios import SERVICES, stream_start_ms
from challenges.anomaly_detection.traffic import MESSAGES
from harness.errors import CandidateBrokeProtocol
from harness.measure import load
from harness.measure.beside import beside, noop
from harness.measure.load import Request
from harness.measure.plan import SECOND_NS, stretches
from harness.measure.sample import Sample
from harness.measure.statistics import Ints
from harness.paths import PROJECT_ROOT
from harness.runtime.process import Process, ingest_timeout_s
from harness.runtime.trial import Trial

RATE = 100_000 / 60
"""Logs a second."""
WARM_UP_LOGS = 200
ERROR_SHARE = 0.01
HISTORY_RATE = 100
HISTORY_MOST_S = 600
HISTORY_BATCH_MS = 250

Pieces = Sequence[tuple[float, float]]


def took_one(result: dict[str, Any]) -> bool:
    """Whether an `ingest` of one log took it."""
    return result.get("accepted") == 1


def answered(result: dict[str, Any]) -> bool:
    """Whether a `tick` was answered: any result does."""
    return True


class Stream:
    """One process and the stream that it is sent. The rows come from `rng`; equal seeds, equal streams."""

    def __init__(self, process: Process, rng: np.random.Generator) -> None:
        self.process = process
        self._rng = rng
        self.now_ms = stream_start_ms(rng)

    def history(self, seconds: float) -> None:
        """That much of stream at a low rate, as fast as it goes: what is measured later has a past. Raises CandidateFailure."""
        per_batch = HISTORY_RATE * HISTORY_BATCH_MS // 1000
        for number in range(round(seconds * 1000 / HISTORY_BATCH_MS)):
            self.now_ms += HISTORY_BATCH_MS
            self.process.set_wall_ms(self.now_ms)
            logs = b",".join(self._logs(np.full(per_batch, self.now_ms)))
            params = b'{"now_ms":%d,"logs":[%b]}' % (self.now_ms, logs)
            self.process.request_raw("ingest", params, timeout_s=ingest_timeout_s(per_batch))
            if number % 4 == 3:
                self.process.request_raw("tick", b'{"now_ms":%d}' % self.now_ms)

    def stretch(self, pieces: Pieces, warm_up: int = WARM_UP_LOGS) -> Sample:
        """Logs at the (rate, seconds) of `pieces`, with a tick every second; without the first `warm_up` requests."""
        due_ns = stretches(pieces, self._rng)
        seconds = sum(piece_s for _, piece_s in pieces)
        ticks_ns = np.arange(1, int(seconds) + 1, dtype=np.int64) * SECOND_NS
        at_ns, requests = self._requests(due_ns, ticks_ns[ticks_ns < due_ns[-1]])
        begin_ms, self.now_ms = self.now_ms, self.now_ms + round(seconds * 1000)
        sample = load.drive(self.process, at_ns, requests, begin=lambda: self._wall_runs_from(begin_ms))
        self.process.set_wall_ms(self.now_ms)
        return sample.after(warm_up)

    def _wall_runs_from(self, begin_ms: int) -> None:
        self.process.set_clock_offset_ns(begin_ms * 1_000_000 - time.time_ns())

    def _requests(self, due_ns: Ints, ticks_ns: Ints) -> tuple[Ints, list[Request]]:
        """The moments of logs and ticks in order, and their requests."""
        times_ms = self.now_ms + due_ns // 1_000_000
        lines = [
            b'{"now_ms":%d,"logs":[%b]}' % (at, log) for at, log in zip(times_ms.tolist(), self._logs(times_ms), strict=True)
        ]
        logs = [Request("ingest", line, took_one) for line in lines]
        ticks = [Request("tick", b'{"now_ms":%d}' % (self.now_ms + at // 1_000_000), answered) for at in ticks_ns.tolist()]
        at_ns = np.concatenate([due_ns, ticks_ns])
        order = np.argsort(at_ns, kind="stable")
        both = logs + ticks
        return at_ns[order], [both[i] for i in order.tolist()]

    def _logs(self, times_ms: Ints) -> list[bytes]:
        services = self._rng.integers(0, len(SERVICES), len(times_ms)).tolist()
        bad = self._rng.random(len(times_ms)) < ERROR_SHARE
        return [
            log_json(str(at), SERVICES[service], "error" if error else "info", MESSAGES[-1] if error else MESSAGES[0])
            for at, service, error in zip(times_ms.tolist(), services, bad.tolist(), strict=True)
        ]


class Bench:
    """The candidate, its no-op and the reference, each with a stream of its own, on the cores beside the sender's. A context manager."""

    def __init__(self, trial: Trial, *, with_reference: bool = True) -> None:
        self.trial = trial
        self._with_reference = with_reference
        self._open = ExitStack()

    def __enter__(self) -> Bench:
        trial = self.trial
        self.cores = self._open.enter_context(load.sender_alone())
        self.candidate = self._stream(trial, "candidate")
        self.noop = self._stream(noop(trial, self.candidate.process.language), "no-op")
        if self._with_reference:
            self.reference = self._stream(reference(trial), "reference")
        return self

    def __exit__(self, *_: object) -> None:
        self._open.close()

    def _stream(self, trial: Trial, name: str) -> Stream:
        rng = self.trial.rng(f"load/{name}")
        with load.on_cores(self.cores):
            stream = Stream(trial.start(wall_ms=stream_start_ms(self.trial.rng(f"load/{name}"))), rng)
        stream.history(history_s(stream.process))
        return stream


def history_s(process: Process) -> float:
    """How much of a past a detector is given: its warm-up and some more, 10 minutes at most."""
    return min(read_declared(process.declared).warmup_ms / 1000 + 10, HISTORY_MOST_S)


def reference(trial: Trial) -> Trial:
    """A trial of the reference detector."""
    command = ["python3", "-m", "reference_impl.server", "anomaly-detection"]
    return beside(trial, command, {"project": PROJECT_ROOT})


def flat_out(process: Process, now_ms: int, seconds: float, batch: int = 100) -> float:
    """Logs a second that it takes in batches of that many, one request after the other."""
    logs = b",".join(
        log_json(str(now_ms), SERVICES[number % len(SERVICES)], "info", MESSAGES[number % 6]) for number in range(batch)
    )
    params = b'{"now_ms":%d,"logs":[%b]}' % (now_ms, logs)
    taken, began = 0, time.perf_counter()
    while (spent := time.perf_counter() - began) < seconds:
        accepted = process.request_raw("ingest", params, timeout_s=ingest_timeout_s(batch)).get("accepted")
        if accepted != batch:
            raise CandidateBrokeProtocol(f"of {batch} good logs it says that {accepted!r:.60} were accepted")
        taken += batch
    return taken / spent
