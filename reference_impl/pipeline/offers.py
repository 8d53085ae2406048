"""From the detector to the deduplicator: alerts wait here, in order, until the store has taken them."""

import queue
import threading
from collections.abc import Callable

from reference_impl.dedup import Deduplicator, StoreRefused, StoreUnavailable, severity_rank
from reference_impl.detector import Alert
from reference_impl.pipeline.detection import Batch
from reference_impl.pipeline.journal import Journal
from reference_impl.pipeline.observation import Observation, observed

WAITING = 256
"""Groups of alerts. Beyond, with the store away for long, the detector waits, and the source after it."""
FIRST_PAUSE_S = 0.2
LONGEST_PAUSE_S = 5.0


class Offers:
    """One thread that offers each alert until the store answers. `fingerprint` says which observations are one alert.

    `unoffered` counts the alerts that the store has not taken yet.
    """

    def __init__(
        self, deduplicator: Deduplicator, fingerprint: Callable[[Observation], str], node: str, journal: Journal
    ) -> None:
        self.unoffered = 0
        self._deduplicator = deduplicator
        self._fingerprint = fingerprint
        self._node = node
        self._journal = journal
        self._waiting: queue.Queue[tuple[list[Alert], Batch | None] | None] = queue.Queue(WAITING)
        self._counting = threading.Lock()
        self._stopped = threading.Event()
        self._thread = threading.Thread(target=self._work, name="offers", daemon=True)

    def start(self) -> None:
        """Begin to offer."""
        self._thread.start()

    def put(self, alerts: list[Alert], batch: Batch | None) -> None:
        """Queue what a batch raised; waits for room."""
        with self._counting:
            self.unoffered += len(alerts)
        self._waiting.put((alerts, batch))

    def finish(self, patience_s: float) -> bool:
        """Offer what waits, then end; false if `patience_s` is over first."""
        try:
            self._waiting.put(None, timeout=patience_s)
        except queue.Full:
            return False
        self._thread.join(patience_s)
        self._stopped.set()
        return not self._thread.is_alive()

    def _work(self) -> None:
        while (group := self._waiting.get()) is not None:
            alerts, batch = group
            for alert in alerts:
                self._offer(observed(alert, self._node))
            if batch is not None:
                batch.settled.set()

    def _offer(self, seen: Observation) -> None:
        pause_s = FIRST_PAUSE_S
        fingerprint, event_id = self._fingerprint(seen), seen.event_id()
        while not self._stopped.is_set():
            try:
                decision = self._deduplicator.offer(fingerprint, event_id, severity_rank(seen.severity))
            except (StoreUnavailable, StoreRefused) as error:
                self._journal.tell("store_away", reason=str(error), again_in_ms=round(pause_s * 1000))
                self._stopped.wait(pause_s)
                pause_s = min(pause_s * 2, LONGEST_PAUSE_S)
            else:
                facts = {"service": seen.service, "kind": seen.kind, "severity": seen.severity, "ts_ms": seen.ts_ms}
                with self._counting:
                    self.unoffered -= 1
                self._journal.tell("offered", decision=decision, **facts)
                return
