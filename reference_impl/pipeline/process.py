"""One process of the pipeline, put together: started, kept going, and ended without losing anything."""

import threading
import time

from reference_impl.dedup import Connections, Deduplicator, StoreRefused, StoreUnavailable, Terms, opener
from reference_impl.pipeline.build import Built
from reference_impl.pipeline.detection import Detection
from reference_impl.pipeline.journal import Journal
from reference_impl.pipeline.offers import Offers
from reference_impl.pipeline.outbox import Outbox
from reference_impl.pipeline.settings import Settings, SettingsError

KEEP_EVERY_S = 0.25
"""How often leases are looked after, and what dead processes left is looked for."""
TELL_EVERY_S = 5.0
"""How often at most it is told that the store is away, or of no use."""
END_PATIENCE_S = 1.0


class Process:
    """`detection` takes logs from `start` on; `finish` ends everything."""

    def __init__(self, settings: Settings, built: Built, node: str, journal: Journal) -> None:
        terms = Terms(window_ms=settings.window_ms, lease_ms=settings.lease_ms)
        store = settings.store
        self._connections = Connections(opener(store.kind, built.store_url.reveal(), store.prefix, terms))
        self._outbox = Outbox(built.destinations, settings.destinations_of, journal, settings.lease_ms)
        self._deduplicator = Deduplicator(self._connections, self._outbox.put, terms, deferred=True, tell=self._store_away)
        self._offers = Offers(self._deduplicator, settings.fingerprint, node, journal)
        self.detection = Detection(self._offers.put, journal)
        self._journal = journal
        self._told_s = -TELL_EVERY_S
        self._stopped = threading.Event()
        self._keeper = threading.Thread(target=self._keep, name="keeper", daemon=True)

    def try_store(self) -> None:
        """One look at the store, which need not be there yet. Raises SettingsError if its address is none."""
        try:
            self._connections.warm(1)
        except StoreUnavailable as error:
            self._store_away(str(error))
        except Exception as error:  # noqa: BLE001 - each driver has errors of its own for it, some with the address in them
            kind = type(error).__name__
            raise SettingsError(
                f"store.url: the store's driver does not take it ({kind}): see how it writes addresses"
            ) from None

    def start(self) -> None:
        """Begin, whether or not the store is there already."""
        self._outbox.start(self._deduplicator.renew, self._deduplicator.confirm)
        for part in (self._offers, self.detection, self._keeper):
            part.start()

    def finish(self, patience_s: float) -> bool:
        """No more logs come: judge, offer and deliver what is there, within about `patience_s`.

        False if alerts are left in the store, to others or to the next start, or, with the store away, were never offered: the
        journal's last line says how many.
        """
        give_up_s = time.monotonic() + patience_s
        judged = self.detection.finish(patience_s)
        offered = self._offers.finish(max(give_up_s - time.monotonic(), END_PATIENCE_S))
        while len(self._outbox) and time.monotonic() < give_up_s:
            time.sleep(0.02)
        self._outbox.stop(END_PATIENCE_S)
        self._stopped.set()
        self._keeper.join(END_PATIENCE_S)
        left = len(self._outbox)
        self._connections.close()
        counts = {"accepted": self.detection.accepted, "rejected": self.detection.rejected}
        unoffered = self._offers.unoffered
        self._journal.tell("ended", judged=judged, left_in_store=left, never_offered=unoffered, **counts)
        return judged and offered and not left

    def health(self) -> dict[str, object]:
        """Counts, for whoever asks."""
        counts = {"accepted": self.detection.accepted, "rejected": self.detection.rejected}
        return {**counts, "alerts_in_hand": len(self._outbox)}

    def _store_away(self, reason: str) -> None:
        now_s = time.monotonic()
        if now_s - self._told_s >= TELL_EVERY_S:
            self._told_s = now_s
            self._journal.tell("store_away", reason=reason)

    def _keep(self) -> None:
        while not self._stopped.wait(KEEP_EVERY_S):
            try:
                self._outbox.keep()
                self._deduplicator.tick()
            except StoreRefused as error:
                self._store_away(str(error))
