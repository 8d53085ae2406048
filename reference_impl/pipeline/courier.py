"""Bringing pages to one destination: a thread of its own, so that a receiver that is slow or down holds up no other."""

import threading
import time
from collections.abc import Callable, Hashable
from random import Random

from reference_impl.pipeline.destinations import Destination, NotNow, Refused
from reference_impl.pipeline.journal import Journal
from reference_impl.pipeline.observation import Page

FIRST_PAUSE_S = 0.5
LONGEST_PAUSE_S = 60.0
JITTER = 0.5
"""A pause is shortened by up to this share of it, so that processes that failed together do not come back together."""


class _Item:
    """A page on its way; `due_s` is monotonic."""

    def __init__(self, page: Page, due_s: float) -> None:
        self.page = page
        self.due_s = due_s
        self.attempts = 0


class Courier:
    """Delivers until a page has arrived, or is refused for good.

    Holds as many pages as its caller gives it. `may_send(key)` is asked before each attempt: false means that the page is no
    longer ours, and it is forgotten. `arrived(key, name)` is called in the courier's thread.
    """

    def __init__(
        self,
        destination: Destination,
        may_send: Callable[[Hashable], bool],
        arrived: Callable[[Hashable, str], None],
        journal: Journal,
        first_pause_s: float = FIRST_PAUSE_S,
    ) -> None:
        self.name = destination.name
        self._destination = destination
        self._may_send = may_send
        self._arrived = arrived
        self._journal = journal
        self._first_pause_s = first_pause_s
        self._jitter = Random(destination.name)
        self._items: dict[Hashable, _Item] = {}
        self._resume_s = 0.0
        self._changed = threading.Condition()
        self._stopped = False
        self._thread = threading.Thread(target=self._work, name=f"courier-{self.name}", daemon=True)

    def start(self) -> None:
        """Begin to deliver."""
        self._thread.start()

    def add(self, key: Hashable, page: Page) -> None:
        """Deliver this page; one that is on its way already stays on its way."""
        with self._changed:
            self._items.setdefault(key, _Item(page, time.monotonic()))
            self._changed.notify()

    def drop(self, key: Hashable) -> None:
        """Forget a page."""
        with self._changed:
            self._items.pop(key, None)

    def stop(self, patience_s: float) -> None:
        """Begin no further attempt, and wait for the one under way for at most so long."""
        with self._changed:
            self._stopped = True
            self._changed.notify()
        self._thread.join(patience_s)

    def _work(self) -> None:
        while (following := self._next()) is not None:
            key, item = following
            if self._may_send(key):
                self._attempt(key, item)
            else:
                self.drop(key)

    def _next(self) -> tuple[Hashable, _Item] | None:
        """Waits for the page that is due first; None once stopped."""
        with self._changed:
            while not self._stopped:
                if self._items:
                    key = min(self._items, key=lambda one: self._items[one].due_s)
                    wait_s = max(self._items[key].due_s, self._resume_s) - time.monotonic()
                    if wait_s <= 0:
                        return key, self._items[key]
                    self._changed.wait(wait_s)
                else:
                    self._changed.wait()
            return None

    def _attempt(self, key: Hashable, item: _Item) -> None:
        item.attempts += 1
        try:
            self._destination.deliver(item.page)
        except NotNow as error:
            self._postpone(item, error)
            return
        except Refused as error:
            # Said once and loudly: a page that will be refused tomorrow as well must not be tried for ever.
            self._tell("refused", item, reason=str(error))
        except Exception as error:  # noqa: BLE001 - a fault of ours in one page must not end the thread that brings all others
            self._postpone(item, NotNow(f"failed inside: {type(error).__name__}"))
            return
        else:
            self._tell("delivered", item)
        self.drop(key)
        self._arrived(key, self.name)

    def _postpone(self, item: _Item, error: NotNow) -> None:
        now_s = time.monotonic()
        if error.retry_after_s is not None:
            self._resume_s = now_s + error.retry_after_s
        pause_s = min(self._first_pause_s * 2.0 ** min(item.attempts - 1, 20), LONGEST_PAUSE_S)
        pause_s *= 1 - JITTER * self._jitter.random()
        item.due_s = now_s + max(pause_s, error.retry_after_s or 0.0)
        self._tell("postponed", item, reason=str(error), again_in_ms=round((item.due_s - now_s) * 1000))

    def _tell(self, event: str, item: _Item, **facts: object) -> None:
        page = item.page
        self._journal.tell(
            event, destination=self.name, alert_id=page.alert_id, service=page.service, attempt=item.attempts, **facts
        )
