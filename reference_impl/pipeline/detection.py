"""Lines of logs to alerts: one thread that owns the detector, fed through a queue of fixed length."""

import queue
import threading
import time
from collections.abc import Callable, Sequence

import msgspec

from reference_impl.detector import LATENESS_MS, Alert, Detector, LogRow
from reference_impl.pipeline.journal import Journal
from reference_impl.rpc import RpcError, loads

WAITING_BATCHES = 64
TICK_S = 1.0
CLOSING_TICKS = LATENESS_MS // 1000 + 3
"""Ticks, each worth a second of stream time, that close what is open when the logs have ended."""


class Batch:
    """Some lines of logs. `settled` is set once they are counted and the store holds every alert that they raised."""

    def __init__(self, lines: Sequence[bytes]) -> None:
        self.lines = lines
        self.accepted = 0
        self.rejected = 0
        self.settled = threading.Event()


class Detection:
    """`raised(alerts, batch)` is called in the detector's thread with what a batch raised (a tick: None); it may block."""

    def __init__(self, raised: Callable[[list[Alert], Batch | None], None], journal: Journal) -> None:
        self.accepted = 0
        self.rejected = 0
        self._raised = raised
        self._journal = journal
        self._detector = Detector()
        self._decoder = msgspec.json.Decoder(LogRow)
        self._waiting: queue.Queue[Batch | None] = queue.Queue(WAITING_BATCHES)
        self._thread = threading.Thread(target=self._work, name="detector", daemon=True)

    def start(self) -> None:
        """Begin to detect."""
        self._thread.start()

    def take(self, batch: Batch, timeout_s: float | None = None) -> bool:
        """Queue a batch; false if there was no room for `timeout_s` (None waits)."""
        try:
            self._waiting.put(batch, timeout=timeout_s)
        except queue.Full:
            return False
        return True

    def finish(self, patience_s: float) -> bool:
        """No more logs: judge what is there; false if that is not over within `patience_s`."""
        give_up_s = time.monotonic() + patience_s
        try:
            self._waiting.put(None, timeout=patience_s)
        except queue.Full:
            return False
        self._thread.join(max(give_up_s - time.monotonic(), 0))
        return not self._thread.is_alive()

    def _work(self) -> None:
        tick_s = time.monotonic() + TICK_S
        while True:
            try:
                batch = self._waiting.get(timeout=max(tick_s - time.monotonic(), 0))
            except queue.Empty:
                self._tick()
                tick_s = time.monotonic() + TICK_S
                continue
            if batch is None:
                break
            self._count(batch)
            if time.monotonic() >= tick_s:
                self._tick()
                tick_s = time.monotonic() + TICK_S
        self._close()

    def _close(self) -> None:
        now_ms = _now_ms()
        for tick in range(CLOSING_TICKS):
            self._detector.pass_time(now_ms + 1000 * tick, is_tick=True)
        self._raise(None)

    def _tick(self) -> None:
        self._detector.pass_time(_now_ms(), is_tick=True)
        self._raise(None)

    def _count(self, batch: Batch) -> None:
        now_ms = _now_ms()
        rows = [row for line in batch.lines if (row := self._row(line)) is not None]
        tally = self._detector.observe_batch(rows, now_ms)
        batch.accepted = tally.accepted
        batch.rejected = len(batch.lines) - tally.accepted
        self.accepted += batch.accepted
        self.rejected += batch.rejected
        self._detector.pass_time(now_ms, is_tick=False)
        self._raise(batch)

    def _raise(self, batch: Batch | None) -> None:
        alerts = self._detector.take_alerts()
        if alerts:
            self._raised(alerts, batch)
        elif batch is not None:
            batch.settled.set()

    def _row(self, line: bytes) -> LogRow | None:
        """The log in a line; None for what is none. A message that is not text, which nobody reads here, spoils no log."""
        try:
            return self._decoder.decode(line)
        except (msgspec.DecodeError, RecursionError, UnicodeDecodeError):
            pass
        try:
            return msgspec.convert(loads(line), LogRow)
        except (msgspec.ValidationError, RpcError):
            return None


def _now_ms() -> float:
    return time.time() * 1000
